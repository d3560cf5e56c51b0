from pathlib import Path

from matplotlib.figure import Figure

from fedaffect.studies.paired import Difference
from fedaffect.studies.plots.forest_plot import forest
from fedaffect.studies.study.rows import Row


def row(name: str, difference: Difference | None, verdict: str) -> Row:
    return Row(name, difference=difference, verdict=verdict)


ROWS = [
    row("base", None, "base"),
    row("up", Difference(0.02, 0.01, 0.03, (0.015, 0.025)), "better"),
    row("down", Difference(-0.02, -0.03, -0.01, (-0.015, -0.025)), "worse"),
    row("once", Difference(0.01, None, None, (0.01,)), "one seed: no interval"),
    row("gone", None, "missing"),
]


def test_seeds_means_intervals_and_words_without_a_colour() -> None:
    axes = Figure().add_subplot()
    forest(ROWS).paint(axes)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["up", "down", "once", "gone"]
    drawn = [line for line in axes.lines if line.get_marker() in ("o", "^", "v")]
    dots = [line for line in drawn if line.get_markerfacecolor() == "none"]
    means = [line for line in drawn if line not in dots]
    assert [list(line.get_xdata()) for line in dots] == [[0.015, 0.025], [-0.015, -0.025], [0.01]]
    assert [(line.get_marker(), line.get_xdata()[0]) for line in means] == [
        *(("^", 0.02), ("v", -0.02), ("o", 0.01)),
    ]
    bars = [list(line.get_xdata()) for line in axes.lines if line.get_linewidth() == 2]
    assert [0.01, 0.03] in bars
    words = [text.get_text() for text in axes.texts]
    assert words == ["+0.020, better", "-0.020, worse", "+0.010, one seed: no interval", "missing"]


def test_nothing_has_finished_yet(tmp_path: Path) -> None:
    forest([row("base", None, "missing"), ROWS[-1]]).save(tmp_path, "empty")
    forest([row("base", None, "base")]).save(tmp_path, "alone")
    assert (tmp_path / "empty.png").is_file()
