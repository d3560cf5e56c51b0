from collections.abc import Mapping

import pytest
from matplotlib.figure import Figure

from fedaffect.record.history import Curve
from fedaffect.studies.plots.convergence import convergence
from fedaffect.studies.study.rows import Row


def row(name: str, evaluation: str, curves: Mapping[int, Curve]) -> Row:
    return Row(name, evaluation=evaluation, dev_curves=curves)


def test_the_mean_and_spread_of_the_rounds_that_all_seeds_have() -> None:
    curves = {0: ([1, 2, 3], [0.2, 0.4, 0.9]), 1: ([1, 2], [0.4, 0.6])}
    own = row("own", "local", {0: ([1, 2], [0.1, 0.2])})
    picture = convergence([row("shared", "global", curves), row("missing", "global", {}), own])
    assert picture is not None
    axes = Figure().add_subplot()
    picture.paint(axes)
    assert [list(line.get_xdata()) for line in axes.lines] == [[1, 2], [1, 2]]
    assert list(axes.lines[0].get_ydata()) == pytest.approx([0.3, 0.5])
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["shared", "own (local)"]
    (band,) = axes.collections
    low, high = band.get_datalim(axes.transData).intervaly
    assert (low, high) == pytest.approx((0.3 - 0.02**0.5, 0.5 + 0.02**0.5))


def test_one_round_is_no_curve() -> None:
    assert convergence([row("shared", "global", {0: ([1], [0.5])})]) is None
