from pathlib import Path

import pytest
from matplotlib.figure import Figure

from fedaffect.studies.paired import Difference, Outcome, mean_interval
from fedaffect.studies.plots.row_intervals import differences, scores
from fedaffect.studies.study.rows import Row


def changed(name: str, difference: Difference | None, verdict: str) -> Row:
    return Row(name, difference=difference, verdict=verdict)


CHANGED = [
    changed("base", None, "base"),
    changed("up", Difference(0.02, 0.01, 0.03, (0.015, 0.025)), "better"),
    changed("down", Difference(-0.02, -0.03, -0.01, (-0.015, -0.025)), "worse"),
    changed("once", Difference(0.01, None, None, (0.01,)), "one seed: no interval"),
    changed("gone", None, "missing"),
]


def test_seeds_means_intervals_and_words_without_a_colour() -> None:
    axes = Figure().add_subplot()
    differences(CHANGED).paint(axes)
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
    differences([changed("base", None, "missing"), CHANGED[-1]]).save(tmp_path, "empty")
    differences([changed("base", None, "base")]).save(tmp_path, "alone")
    assert (tmp_path / "empty.png").is_file()


def scored(name: str, verdict: str, evaluation: str | None = "global", *scores: float) -> Row:
    mean = sum(scores) / len(scores) if scores else None
    outcomes = {seed: Outcome(score) for seed, score in enumerate(scores)}
    figures = {"weighted_f1": mean}
    return Row(name, evaluation=evaluation, outcomes=outcomes, figures=figures, verdict=verdict)


SCORED = [scored("one", "worse", "global", 0.5, 0.75), scored("two", "best", "global", 0.75)]


def test_seeds_means_intervals_and_the_best() -> None:
    axes = Figure().add_subplot()
    scores([*SCORED, scored("three", "missing", None)]).paint(axes)
    assert [t.get_text() for t in axes.texts] == ["0.625, worse", "0.750, best", "missing"]
    seeds = [list(x.get_xdata()) for x in axes.lines if x.get_markerfacecolor() == "none"]
    assert seeds == [[0.5, 0.75], [0.75]]
    found = mean_interval(SCORED[0].outcomes)
    assert found is not None
    bars = [list(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2]
    assert pytest.approx(found.ends) in bars
    assert list(axes.lines[0].get_xdata()) == [0.75, 0.75]


def test_two_evaluations_have_no_line_in_common() -> None:
    axes = Figure().add_subplot()
    scores([*SCORED, scored("three", "best of local", "local", 0.25)]).paint(axes)
    assert list(axes.lines[0].get_xdata()) != [0.75, 0.75]
