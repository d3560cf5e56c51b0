"""Smoothed predictions and decisions with hysteresis."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.errors import UserError
from fedaffect.inference.abstention import UNCERTAIN, decide
from fedaffect.inference.smoothing import (
    MAXIMUM_VOTES,
    ExponentialMean,
    MajorityWindow,
    Smoother,
)

CALM, TENSE, GLAD = range(3)
SEEN = [np.array(p) for p in ([0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8])]


def smoother(average=None, enter=0.6, leave=0.4):
    return Smoother(average or ExponentialMean(3, half_life=1.0), 3, enter, leave)


def states(stream, results):
    return [stream.update(seconds, p).decision for seconds, p in results]


# --- averages, by hand ---------------------------------------------------------------------------


def test_a_prediction_has_half_its_weight_after_a_half_life():
    mean = ExponentialMean(3, half_life=2.0, prior=0)
    np.testing.assert_allclose(mean.update(0, SEEN[0]), SEEN[0])
    np.testing.assert_allclose(mean.update(2, SEEN[1]), (0.5 * SEEN[0] + SEEN[1]) / 1.5)
    np.testing.assert_allclose(mean.update(4, None), (0.25 * SEEN[0] + 0.5 * SEEN[1]) / 0.75)


def test_the_prior_is_a_uniform_prediction():
    mean = ExponentialMean(3, half_life=2.0, prior=1)
    np.testing.assert_allclose(mean.update(0, None), [1 / 3] * 3)
    np.testing.assert_allclose(mean.update(0, SEEN[0]), (SEEN[0] + 1 / 3) / 2)
    np.testing.assert_allclose(mean.update(2000, None), [1 / 3] * 3)


def test_a_window_counts_votes():
    window = MajorityWindow(3, length=10, prior=0)
    np.testing.assert_allclose(window.update(0, None), [1 / 3] * 3)
    for seconds, vote in ((0, CALM), (4, CALM), (8, TENSE)):
        found = window.update(seconds, SEEN[vote])
    np.testing.assert_allclose(found, [2 / 3, 1 / 3, 0])
    np.testing.assert_allclose(window.update(10, None), [1 / 2, 1 / 2, 0])  # the first is 10 s old
    np.testing.assert_allclose(window.update(14, None), [0, 1, 0])
    np.testing.assert_allclose(window.update(18, None), [1 / 3] * 3)


def test_one_vote_is_no_majority():
    """Beside a prior of one, a vote makes (1 + 1/3) / 2."""
    window = MajorityWindow(3, length=10)
    np.testing.assert_allclose(window.update(0, SEEN[0]), [2 / 3, 1 / 6, 1 / 6])
    np.testing.assert_allclose(window.update(1, SEEN[0]), [7 / 9, 1 / 9, 1 / 9])


def test_a_full_window_drops_the_oldest_vote():
    window = MajorityWindow(3, length=10, prior=0)
    window.update(0, SEEN[CALM])
    for _ in range(MAXIMUM_VOTES):
        found = window.update(0, SEEN[TENSE])
    np.testing.assert_allclose(found, [0, 1, 0])


# --- states --------------------------------------------------------------------------------------


def test_entered_high_left_low():
    """Without memory the thresholds alone: .6 to enter, .4 to stay."""

    class Latest:
        def update(self, seconds, probability):
            return probability

    of_calm_and_tense = [
        ((0.59, 0.41), UNCERTAIN),
        ((0.60, 0.40), CALM),
        ((0.41, 0.59), CALM),  # the likelier one is not entered, the state not left
        ((0.39, 0.59), UNCERTAIN),
        ((0.59, 0.41), UNCERTAIN),
        ((0.30, 0.70), TENSE),
        ((0.65, 0.35), CALM),  # at once, where another is entered
    ]
    results = [(t, np.array([*p, 0])) for t, (p, _) in enumerate(of_calm_and_tense)]
    assert states(smoother(Latest()), results) == [state for _, state in of_calm_and_tense]


def test_each_class_has_its_own_thresholds():
    careful = smoother(enter=np.array([0.6, 0.9, 0.6]), leave=np.array([0.4, 0.85, 0.4]))
    tense = [(t, SEEN[TENSE]) for t in range(50)]
    assert states(careful, tense) == [UNCERTAIN] * 50
    assert states(smoother(), tense)[-1] == TENSE


def averages():
    return [ExponentialMean(3, 5.0), MajorityWindow(3, 10.0)]


@pytest.mark.parametrize("average", averages())
def test_one_frame_does_not_decide(average):
    """A face turned to the mirror reads as tense, one frame in five."""
    results = [(t / 5, SEEN[TENSE if t % 5 == 4 else CALM]) for t in range(100)]
    assert states(smoother(average), results)[20:] == [CALM] * 80


@pytest.mark.parametrize("average", averages())
def test_a_change_that_lasts_is_followed_and_silence_is_uncertain(average):
    stream = smoother(average)
    found = states(stream, [(t / 5, SEEN[CALM if t < 100 else TENSE]) for t in range(200)])
    assert [found[99], found[105], found[199]] == [CALM, CALM, TENSE]
    assert [stream.update(40.0 + t).decision for t in (0, 60)] == [TENSE, UNCERTAIN]


@given(st.integers(0, 50), st.integers(1, 29), st.sampled_from(["mean", "window"]))
@settings(max_examples=40, deadline=None)
def test_causal(seed, cut, kind):
    """What comes later changes nothing before it."""
    random = np.random.default_rng(seed)
    results = [(float(t), random.dirichlet([1, 1, 1])) for t in range(30)]

    def run(rows):
        average = ExponentialMean(3, 3.0) if kind == "mean" else MajorityWindow(3, 5.0)
        return states(smoother(average), rows)

    assert run(results)[:cut] == run(results[:cut])


@given(st.integers(0, 50), st.floats(0.34, 0.9))
@settings(max_examples=40, deadline=None)
def test_without_hysteresis_or_memory_it_only_abstains(seed, threshold):
    """enter = leave: the decision of `decide`, save that a state above its threshold is kept."""
    random = np.random.default_rng(seed)
    probability = random.dirichlet([1, 1, 1], size=20)
    stream = smoother(ExponentialMean(3, 1e-3, prior=0), enter=threshold, leave=threshold)
    found = states(stream, list(enumerate(probability)))
    expected = decide(probability, threshold).tolist()
    assert [f == UNCERTAIN for f in found] == [e == UNCERTAIN for e in expected]
    if threshold > 0.5:
        assert found == expected


# --- what it refuses -----------------------------------------------------------------------------


def test_time_runs_forwards():
    stream = smoother()
    stream.update(5.0, SEEN[CALM])
    stream.update(5.0, SEEN[CALM])
    for wrong in (4.9, np.nan, np.inf):
        with pytest.raises(UserError, match="in order"):
            stream.update(wrong, SEEN[CALM])


@pytest.mark.parametrize("wrong", [np.array([0.5, 0.5, np.nan]), np.ones(2) / 2, np.array(SEEN)])
def test_results_that_are_none_leave_the_stream_as_it_was(wrong):
    stream, other = smoother(), smoother()
    with pytest.raises(UserError, match="not 3 finite probabilities"):
        stream.update(0.0, wrong)
    one, two = stream.update(0.0, SEEN[CALM]), other.update(0.0, SEEN[CALM])
    np.testing.assert_array_equal(one.probability, two.probability)


def test_settings_that_make_no_sense():
    for enter, leave in ((0.5, 0.6), (0.5, 1 / 3), (0.5, np.nan), (np.array([0.6, 0.4, 0.6]), 0.5)):
        with pytest.raises(UserError, match=r"smoothing\.leave"):
            smoother(enter=enter, leave=leave)
    with pytest.raises(UserError, match=r"smoothing\.half_life"):
        ExponentialMean(3, 0)
    with pytest.raises(UserError, match=r"smoothing\.length"):
        MajorityWindow(3, np.inf)
