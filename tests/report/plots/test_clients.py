from collections.abc import Callable
from pathlib import Path

from fedaffect.federation import events as chain
from fedaffect.record.history import History
from fedaffect.report.plots.clients import bytes_by_kind, labels_by_client

MakeRun = Callable[..., Path]


def test_few_clients_are_bars_with_names_many_a_heat_map(make_run: MakeRun) -> None:
    few = labels_by_client(History.read(make_run("few")))
    many = labels_by_client(History.read(make_run("many", clients=400, rounds=1)))
    assert "client-03" in few.svg
    assert [name for name, _ in few.legend] == ["happy", "sad", "neutral"]
    assert "data:image/png" in many.svg
    assert "400 clients" in many.svg
    assert len(many.svg) < 50_000


def test_bytes_add_up_to_what_went_up(make_run: MakeRun) -> None:
    history = History.read(make_run())
    drawing = bytes_by_kind(history)
    assert drawing is not None
    # 3 clients × 5 rounds, one update lost: 14 of 2.4 MB + 24 kB, in messages of 2.45 MB
    assert history.sent == {"model": 33_600_000, "prototype": 336_000, "statistics": 400}
    assert "up: model weights 33.6 MB; up: class prototypes 336 kB" in drawing.description
    assert "up: names, scalars 364 kB; down: everything 36 MB" in drawing.description


def test_where_nothing_travelled_nothing_is_drawn(make_run: MakeRun) -> None:
    silent = [
        event
        | {k: 0 for k in ("bytes_up", "bytes_down") if k in event}
        | ({"sent": {}} if "sent" in event else {})
        for event in chain.read(make_run() / "events.jsonl")
    ]
    assert bytes_by_kind(History.of(silent)) is None


def test_of_thousands_of_clients_the_distribution_is_drawn(make_run: MakeRun) -> None:
    drawing = labels_by_client(History.read(make_run(clients=3000, rounds=1)))
    assert drawing.description.endswith("on average, 29 at most.")
    assert "3000 clients" in drawing.svg
    assert len(drawing.svg) < 20_000


def test_bytes_that_were_not_recorded_by_kind_are_told_as_one(make_run: MakeRun) -> None:
    drawing = bytes_by_kind(History.read(make_run(record="rounds")))
    assert drawing is not None
    assert drawing.description == "Bytes by kind: up: everything 34.3 MB; down: everything 36 MB."
    assert bytes_by_kind(History.read(make_run("b", record="ends", finished=False))) is None
