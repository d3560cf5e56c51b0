import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from fedaffect.studies.plots.sweep import sweep
from fedaffect.studies.study.rows import Row


def row(name: str, *scores: float | None, evaluation: str | None = "global") -> Row:
    return Row(name, evaluation=evaluation, scores=dict(enumerate(scores)))


def painted(*rows: Row) -> "tuple[Figure, list[float], list[str], list[str]]":
    figure = Figure()
    axes = figure.add_subplot()
    sweep(rows, "how much").paint(axes)
    legend = axes.get_legend()
    assert legend is not None
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    return figure, list(axes.get_xticks()), ticks, [text.get_text() for text in legend.texts]


ROWS = (
    row("FedAvg, 0", 0.5, 0.7),
    row("FedAvg, 0.1", 0.4, 0.5),
    row("FedAvg, 0.8", 0.2, None),
    row("local, 0", 0.3, 0.3),
)


def test_points_that_are_numbers_stand_where_they_are() -> None:
    assert painted(*ROWS)[1:] == ([0, 0.1, 0.8], ["0", "0.1", "0.8"], ["FedAvg", "local"])
    words = (row("FedAvg, all", 0.5), row("FedAvg, 5 a class", 0.4))
    assert painted(*words)[1:3] == ([0, 1], ["all", "5 a class"])


def test_a_line_of_means_a_band_of_deviations_a_dot_a_seed() -> None:
    (axes,) = painted(*ROWS)[0].axes
    line = next(one for one in axes.lines if one.get_label() == "FedAvg")
    assert [round(float(y), 9) for y in line.get_ydata()] == [0.6, 0.45, 0.2]
    bands = [one for one in axes.collections if isinstance(one, PolyCollection)]
    corners = bands[0].get_paths()[0].vertices
    sd = 0.2 / 2**0.5
    assert corners[:, 1].max() == pytest.approx(0.6 + sd)
    assert corners[:, 0].max() == 0.1  # one seed has no deviation
    dots = [one for one in axes.lines if one.get_markerfacecolor() == "none"]
    assert [len(one.get_xdata()) for one in dots] == [2, 2, 1, 2]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("how much", "weighted F1")


def test_lines_of_two_evaluations_are_told_apart() -> None:
    rows = (
        *ROWS[:3],
        row("FedProto, 0", 0.4, evaluation="local"),
        row("FedProto, 0.1", evaluation=None),
    )
    figure, *_, legend = painted(*rows)
    assert legend == ["FedAvg (global)", "FedProto (local)"]
    (axes,) = figure.axes
    styles = {line.get_label(): line.get_linestyle() for line in axes.lines}
    assert (styles["FedAvg (global)"], styles["FedProto (local)"]) == ("-", "--")


def test_nothing_has_finished_yet() -> None:
    rows = (row("FedAvg, 0", None, evaluation=None), row("FedAvg, 1", None, evaluation=None))
    assert painted(*rows)[3] == ["FedAvg"]
