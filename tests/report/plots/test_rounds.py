from collections.abc import Callable
from pathlib import Path

from fedaffect.record.history import History
from fedaffect.report.plots.rounds import clients_by_rounds, rounds_curve

MakeRun = Callable[..., Path]


def test_the_curve_names_its_evaluations_and_the_selected_round(make_run: MakeRun) -> None:
    drawing = rounds_curve(History.read(make_run()))
    assert drawing is not None
    names = [name for name, _ in drawing.legend]
    assert names[:2] == ["global evaluation", "personal"]
    assert "middle half of the clients" in names[2]
    assert f"selected: {0.68 - 0.45 * 0.8**4:.3f}" in drawing.svg
    assert drawing.description.startswith("Dev weighted F1 by round: 0.320 at first")


def test_nothing_is_drawn_before_the_first_evaluation(make_run: MakeRun) -> None:
    history = History.read(make_run(rounds=0, finished=False))
    assert rounds_curve(history) is None
    assert clients_by_rounds(history) is None


def test_clients_by_rounds_counts_the_updates_that_did_not_come(make_run: MakeRun) -> None:
    drawing = clients_by_rounds(History.read(make_run()))
    assert drawing is not None
    assert drawing.description.endswith("1 updates did not come.")
    assert ("outlined: no update", "#d55e00") in drawing.legend
    assert "data:image/png" in drawing.svg


def test_clients_without_a_score_are_left_blank(make_run: MakeRun) -> None:
    history = History.read(make_run(clients=2))
    gaps = [e | {"client_dev": [None, 0.5]} if "client_dev" in e else e for e in history.events]
    drawing = clients_by_rounds(History.of(gaps))
    assert drawing is not None
    assert "from 0.500 (pale) to 0.500 (full)" in drawing.description


def test_of_many_clients_the_distribution_is_drawn(make_run: MakeRun) -> None:
    few = clients_by_rounds(History.read(make_run("few", clients=400)))
    many = clients_by_rounds(History.read(make_run("many", clients=3000)))
    assert few is not None
    assert many is not None
    assert "client-399" in few.svg
    assert "Distribution of the clients" in many.description
    assert len(many.svg) < 10_000
