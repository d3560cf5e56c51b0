from collections.abc import Mapping

import numpy as np
import pytest

from fedaffect.studies.paired import (
    CONVERSATIONS,
    JOINT,
    SEEDS,
    Interval,
    Outcome,
    mean_interval,
    over_clients,
    paired,
)

BASE = {0: 0.60, 1: 0.62, 2: 0.64}
RIGHT, WRONG = [[2, 0], [0, 2]], [[0, 2], [2, 0]]
"""A conversation of two utterances a class, all recognised or none."""


def scored(scores: Mapping[int, float]) -> dict[int, Outcome]:
    return {seed: Outcome(score) for seed, score in scores.items()}


def counted(*conversations: object, score: float = 0.5) -> Outcome:
    return Outcome(score, np.array(conversations, np.int64))


def test_over_seeds_by_hand() -> None:
    """Differences 1, 2, 3 points: mean 2, sd 1; t of 2 degrees of freedom is 4.3027."""
    found = paired(scored({0: 0.61, 1: 0.64, 2: 0.67}), scored(BASE))
    assert found is not None
    assert found.each == pytest.approx((0.01, 0.02, 0.03))
    assert (found.mean, found.over) == (pytest.approx(0.02), SEEDS)
    half = 4.302653 * 0.01 / 3**0.5
    assert (found.low, found.high) == pytest.approx((0.02 - half, 0.02 + half))


def test_over_conversations_by_hand() -> None:
    """Of two, (first, first), (both), (second, second) are drawn 1 : 2 : 1; the ends are the interval.

    The run tells the first right and the second wrong, the base the first wrong and the second half right:
    drawn twice, the first gives 1 - 0, the second 0 - 1/2.
    """
    half = [[1, 1], [1, 1]]
    found = paired({0: counted(RIGHT, WRONG)}, {0: counted(WRONG, half)})
    assert found is not None
    assert (found.low, found.high, found.over) == (-0.5, 1.0, CONVERSATIONS)
    assert found.verdict == "no difference shown (one seed)"


def test_over_conversations_and_seeds_by_hand() -> None:
    """Seed 0 gains 1 on every draw of conversations, seed 1 gains 0: drawn twice, they are the ends."""
    all_right, all_wrong = counted(RIGHT, RIGHT, score=1.0), counted(WRONG, WRONG, score=0.0)
    found = paired({0: all_right, 1: all_wrong}, {0: all_wrong, 1: all_wrong})
    assert found is not None
    assert (found.mean, found.low, found.high, found.over) == (0.5, 0.0, 1.0, JOINT)
    assert found.verdict == "no difference shown"


def test_both_see_the_same_draws() -> None:
    """A base that errs where the run errs: hard conversations, drawn by both, cancel out."""
    run, base = counted(RIGHT, WRONG, RIGHT), counted(RIGHT, WRONG, RIGHT)
    found = paired({0: run, 1: run}, {0: base, 1: base})
    assert found is not None
    assert (found.low, found.high) == (0.0, 0.0)


@pytest.mark.parametrize(
    "other",
    [
        Outcome(0.5),
        counted(RIGHT),
        counted(RIGHT, [[4, 0], [0, 0]]),
    ],
    ids=["it does not tell", "fewer conversations", "other labels"],
)
def test_without_the_same_conversations_it_is_over_seeds(other: Outcome) -> None:
    outcome = counted(RIGHT, WRONG)
    found = paired({0: outcome, 1: outcome}, {0: outcome, 1: other})
    assert found is not None
    assert found.over == SEEDS


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        ((0.020, 0.021, 0.019), "better"),
        ((-0.020, -0.021, -0.019), "worse"),
        ((0.01, 0.02, 0.03), "no difference shown"),
        ((0.0, 0.0, 0.0), "no difference shown"),
        ((0.05,), "one seed: no interval"),
    ],
)
def test_a_verdict(gains: tuple[float, ...], verdict: str) -> None:
    gained = {seed: BASE[seed] + gain for seed, gain in enumerate(gains)}
    found = paired(scored(gained), scored(BASE))
    assert found is not None
    assert found.verdict == verdict


def test_only_seeds_that_both_have_are_compared() -> None:
    found = paired(scored({1: 0.70, 7: 0.10}), scored(BASE))
    assert found is not None
    assert (found.each, found.low) == (pytest.approx((0.08,)), None)
    assert paired(scored({7: 0.10}), scored(BASE)) is None


def test_over_clients_by_hand() -> None:
    """One of six gains 0.6, is drawn k ~ B(6, 1/6) times, makes k / 10: P(k ≤ 2) = .938, P(k ≤ 3) = .991."""
    assert over_clients(np.array([[0.6, 0, 0, 0, 0, 0]])) == pytest.approx((0.0, 0.3))
    assert over_clients(np.array([[0.6, 0, 0, 0, 0]])) is None


def test_a_client_is_drawn_with_all_its_seeds() -> None:
    """What is the same in every seed is no better known for having been seen twice."""
    assert over_clients(np.array([[0.6, 0, 0, 0, 0, 0]] * 2)) == pytest.approx((0.0, 0.3))


def test_a_client_may_lack_a_seed() -> None:
    """Where a draw holds nobody, there is no mean to count."""
    assert over_clients(np.where(np.eye(6) > 0, 0.5, np.nan)) == (0.5, 0.5)


def test_of_a_mean_over_conversations_and_seeds_by_hand() -> None:
    """Seed 0 is right on every draw of conversations, seed 1 wrong: drawn twice, they are the ends."""
    right, wrong = counted(RIGHT, RIGHT, score=1.0), counted(WRONG, WRONG, score=0.0)
    assert mean_interval({0: right, 1: wrong}) == Interval(0.0, 1.0, JOINT)
    assert mean_interval({0: counted(RIGHT, WRONG)}) == Interval(0.0, 1.0, CONVERSATIONS)


def test_of_a_mean_over_seeds_by_hand() -> None:
    """Mean 62, sd 2 points of three."""
    found, half = mean_interval(scored(BASE)), 4.302653 * 0.02 / 3**0.5
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.62 - half, 0.62 + half))
    assert found.over == SEEDS
    assert mean_interval(scored({0: 0.6})) is None
    assert mean_interval({}) is None
