from collections.abc import Callable

import pytest

from fedaffect.studies.paired import JOINT
from fedaffect.studies.study.entries import Entry, Study
from fedaffect.studies.study.rows import read_row

Finish = Callable[..., None]
Rows = tuple[Entry, ...]
RIGHT, WRONG = [[[4, 0], [0, 2]], [[2, 0], [0, 2]]], [[[0, 4], [2, 0]], [[0, 2], [2, 0]]]
MIXED = [[[3, 1], [0, 2]], [[1, 1], [2, 0]]]


def test_means_over_seeds_by_hand(table: Study, talk: Rows, finish: Finish) -> None:
    """One seed is right in everything, one in nothing: mean 1/2, sample sd √½; they are the ends."""
    finish(talk[0], [RIGHT, WRONG], dev=0.7)
    row = read_row(table, talk[0])
    assert (row.figures["weighted_f1"], row.figures["accuracy"]) == (0.5, 0.5)
    assert row.figures["weighted_f1_sd"] == pytest.approx(0.5**0.5)
    assert (row.figures["dev_weighted_f1"], row.figures["parameters"]) == (0.7, 7315)
    assert (row.figures["seconds"], row.figures["calibration_error"]) == (75.0, 0.05)
    assert row.interval is not None
    assert (row.interval.low, row.interval.high, row.interval.over) == (0.0, 1.0, JOINT)
    assert (row.recall, row.f1) == ({"calm": 0.5, "joy": 0.5}, {"calm": 0.5, "joy": 0.5})
    assert row.confused["calm as joy"] == 0.5
    assert (row.scores, row.cost) == ({0: 1.0, 1: 0.0}, None)


def test_mean_figures_keep_the_identity(table: Study, talk: Rows, finish: Finish) -> None:
    """What is printed of classes gives what is printed of all: Σ n_c F1_c / N, of means as of runs."""
    finish(talk[0], [RIGHT, MIXED])
    row = read_row(table, talk[0], with_cost=False)
    assert 0.6 * row.f1["calm"] + 0.4 * row.f1["joy"] == pytest.approx(row.figures["weighted_f1"])
    assert 0.6 * row.recall["calm"] + 0.4 * row.recall["joy"] == pytest.approx(
        row.figures["accuracy"]
    )
