from collections.abc import Callable
from pathlib import Path
from typing import Any

from fedaffect.record.history import History
from fedaffect.report.plots.scores import confusion_matrix, modality_weights, reliability

MakeRun = Callable[..., Path]


def ended(history: History, **fields: Any) -> History:
    """The same history with another end."""
    last = [e | fields if e["kind"] == "run_finished" else e for e in history.events]
    return History.of(last)


def test_the_confusion_has_counts_in_its_cells_and_names_the_hardest_class(
    make_run: MakeRun,
) -> None:
    counts = [[8, 1, 1], [60, 20, 20], [0, 0, 0]]
    drawing = confusion_matrix(ended(History.read(make_run()), confusion=counts))
    assert drawing is not None
    assert all(f">{n}</text>" in drawing.svg for n in (8, 60, 20, 0))
    assert drawing.description.endswith("Least recalled: sad, 0.20.")


def test_modality_weights_are_named_in_sorted_order(make_run: MakeRun) -> None:
    weights = [[0.2, 0.5, 0.3], [0.1, 0.9, 0.0], [0.04, 0.06, 0.9]]
    drawing = modality_weights(ended(History.read(make_run()), modality_weights=weights))
    assert drawing is not None
    assert [name for name, _ in drawing.legend] == ["audio", "text", "visual"]
    assert "0.50</text>" in drawing.svg
    assert "0.04</text>" not in drawing.svg  # too narrow to read


def test_what_a_run_lacks_is_not_drawn(make_run: MakeRun) -> None:
    finished = History.read(make_run("a"))
    unfinished = History.read(make_run("b", finished=False))
    assert confusion_matrix(unfinished) is modality_weights(unfinished) is reliability(unfinished)
    assert modality_weights(ended(finished, modality_weights=None)) is None
    assert reliability(ended(finished, reliability=[[0, 0, 0]] * 15)) is None


def test_reliability_passes_over_empty_bins(make_run: MakeRun) -> None:
    drawing = reliability(History.read(make_run()))
    assert drawing is not None
    assert "nan" not in drawing.svg
