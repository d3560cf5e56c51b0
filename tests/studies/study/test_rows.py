from collections.abc import Callable

import pytest

from fedaffect.runs import failures
from fedaffect.studies.paired import JOINT, SEEDS
from fedaffect.studies.study.entries import Entry
from fedaffect.studies.study.ranking import tabulate
from fedaffect.studies.study.rows import read_row

Finish = Callable[..., None]
Rows = tuple[Entry, ...]
RIGHT, WRONG = [[[4, 0], [0, 2]], [[2, 0], [0, 2]]], [[[0, 4], [2, 0]], [[0, 2], [2, 0]]]
MIXED = [[[3, 1], [0, 2]], [[1, 1], [2, 0]]]
PAIRS = [("calm", "joy")]


def test_means_over_seeds_by_hand(talk: Rows, finish: Finish) -> None:
    """One seed is right in everything, one in nothing: mean 1/2, sample sd √½; they are the ends."""
    finish(talk[0], [RIGHT, WRONG], dev=0.7)
    row = read_row(talk[0], PAIRS, with_cost=True)
    assert (row.figures["weighted_f1"], row.figures["accuracy"]) == (0.5, 0.5)
    assert row.figures["weighted_f1_sd"] == pytest.approx(0.5**0.5)
    assert (row.figures["dev_weighted_f1"], row.figures["parameters"]) == (0.7, 7315)
    assert (row.figures["seconds"], row.figures["calibration_error"]) == (75.0, 0.05)
    assert row.interval is not None
    assert (row.interval.low, row.interval.high, row.interval.over) == (0.0, 1.0, JOINT)
    assert (row.recall, row.f1) == ({"calm": 0.5, "joy": 0.5}, {"calm": 0.5, "joy": 0.5})
    assert row.confused["calm as joy"] == 0.5
    assert (row.scores, row.cost) == ({0: 1.0, 1: 0.0}, None)


def test_mean_figures_keep_the_identity(talk: Rows, finish: Finish) -> None:
    """What is printed of classes gives what is printed of all: Σ n_c F1_c / N, of means as of runs."""
    finish(talk[0], [RIGHT, MIXED])
    row = read_row(talk[0], (), with_cost=False)
    assert 0.6 * row.f1["calm"] + 0.4 * row.f1["joy"] == pytest.approx(row.figures["weighted_f1"])
    assert 0.6 * row.recall["calm"] + 0.4 * row.recall["joy"] == pytest.approx(
        row.figures["accuracy"]
    )


def test_the_best_and_what_the_others_fall_short_of_it_by(talk: Rows, finish: Finish) -> None:
    """Seeds 0 and 1 are paired: 0.6 - 1 in both, on every draw of conversations in one of them."""
    finish(talk[0], [MIXED, MIXED])
    finish(talk[1], [WRONG], "slow", dev=0.5)
    finish(talk[1], [RIGHT, RIGHT, RIGHT], "fast", dev=0.6)
    plain, tuned, alone = tabulate(talk)
    assert (tuned.verdict, tuned.chosen, tuned.difference) == ("best", "fast", None)
    assert plain.difference is not None
    assert (plain.difference.mean, plain.difference.over) == (pytest.approx(-0.4), JOINT)
    assert (plain.difference.each, plain.verdict) == (pytest.approx((-0.4, -0.4)), "worse")
    assert (alone.verdict, alone.figures["weighted_f1"]) == ("missing", None)


def test_evaluations_are_never_compared(talk: Rows, finish: Finish) -> None:
    finish(talk[0], [MIXED, MIXED])
    finish(talk[2], [RIGHT, MIXED], evaluation="local")
    plain, _, alone = tabulate(talk)
    assert (plain.verdict, alone.verdict) == ("best of global", "best of local")
    assert (plain.difference, alone.difference) == (None, None)
    assert alone.interval is not None
    assert alone.interval.over == SEEDS


def test_candidates_of_which_none_is_chosen_yet(talk: Rows, finish: Finish) -> None:
    finish(talk[1], [RIGHT], "slow")
    row = tabulate(talk)[1]
    assert (row.verdict, row.chosen, row.scores, row.runs) == ("not chosen yet", None, {}, None)


def test_what_failed(talk: Rows, finish: Finish) -> None:
    finish(talk[0], [MIXED])
    failures.note(talk[0].candidates[""].jobs(2)[1].folder, "diverged")
    for variant in talk[1].candidates.values():
        failures.note(variant.jobs(1)[0].folder, "diverged")
    failures.note(talk[2].candidates[""].jobs(1)[0].folder, "diverged")
    rows = tabulate(talk)
    assert [row.verdict for row in rows] == ["best, 1 failed", "failed", "failed"]
    assert rows[0].failed == {1: "diverged"}


def test_the_first_of_equals_is_best(talk: Rows, finish: Finish) -> None:
    for entry in (talk[0], talk[2]):
        finish(entry, [MIXED])
    assert [row.verdict for row in tabulate(talk)] == [
        *("best", "not chosen yet", "no difference shown (one seed)")
    ]
