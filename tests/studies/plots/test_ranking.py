from pathlib import Path

import pytest
from matplotlib.figure import Figure

from fedaffect.studies.paired import Outcome, mean_interval
from fedaffect.studies.plots.ranking import ranking
from fedaffect.studies.study.rows import Row


def row(name: str, verdict: str, evaluation: str | None = "global", *scores: float) -> Row:
    mean = sum(scores) / len(scores) if scores else None
    return Row(
        name,
        evaluation=evaluation,
        outcomes={seed: Outcome(score) for seed, score in enumerate(scores)},
        figures={"weighted_f1": mean},
        verdict=verdict,
    )


ROWS = [row("one", "worse", "global", 0.5, 0.75), row("two", "best", "global", 0.75)]


def test_seeds_means_intervals_and_the_best(tmp_path: Path) -> None:
    axes = Figure().add_subplot()
    ranking([*ROWS, row("three", "missing", None)]).paint(axes)
    assert [t.get_text() for t in axes.texts] == ["0.625, worse", "0.750, best", "missing"]
    seeds = [list(x.get_xdata()) for x in axes.lines if x.get_markerfacecolor() == "none"]
    assert seeds == [[0.5, 0.75], [0.75]]
    found = mean_interval(ROWS[0].outcomes)
    assert found is not None
    bars = [list(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2]
    assert pytest.approx(found.ends) in bars
    assert list(axes.lines[0].get_xdata()) == [0.75, 0.75]


def test_two_evaluations_have_no_line_in_common() -> None:
    axes = Figure().add_subplot()
    ranking([*ROWS, row("three", "best of local", "local", 0.25)]).paint(axes)
    assert list(axes.lines[0].get_xdata()) != [0.75, 0.75]
