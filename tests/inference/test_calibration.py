"""Temperatures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.errors import UserError
from fedaffect.inference.calibration import (
    COLDEST,
    HOTTEST,
    fit_temperature,
    log_probability,
    softmax,
    tempered,
)
from fedaffect.learning.metrics import calibration_error


def true_and_overconfident(items=4000, classes=4, sharper=3.0, seed=0):
    """Labels drawn from probabilities; these; and the same, of logits `sharper` times too large."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(items, classes))
    true = softmax(logits)
    label = (random.random(items)[:, None] > true.cumsum(axis=1)).sum(axis=1)
    return label, true, softmax(sharper * logits)


def likelihood(probability, label):
    return np.take_along_axis(log_probability(probability), label[:, None], axis=1).mean()


def expected_calibration_error(probability, label):
    confidence, right = probability.max(axis=1), probability.argmax(axis=1) == label
    table = np.zeros((15, 3))
    bins = np.minimum((confidence * 15).astype(int), 14)
    np.add.at(table, bins, np.stack([np.ones(len(bins)), confidence, right], axis=1))
    return calibration_error(table)


def test_temperature_two_takes_square_roots():
    """Roots of .64, .32 and .04: .8, .566, .2."""
    root = np.sqrt([0.64, 0.32, 0.04])
    found = tempered(np.array([[0.64, 0.32, 0.04]]), 2.0)
    np.testing.assert_allclose(found[0], root / root.sum())


def test_of_a_softmax_it_divides_the_logits():
    logits = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(tempered(softmax(logits), 2.5), softmax(logits / 2.5))


def test_a_probability_of_zero_stays_finite():
    found = tempered(np.array([[1.0, 0.0]]), 20.0)
    assert np.isfinite(found).all()
    assert found[0, 1] > 0


@given(st.integers(0, 200), st.floats(COLDEST, HOTTEST))
@settings(max_examples=50, deadline=None)
def test_the_likeliest_stays_the_likeliest(seed, temperature):
    probability = softmax(np.random.default_rng(seed).normal(size=(7, 5)))
    found = tempered(probability, temperature)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert found.argmax(axis=1).tolist() == probability.argmax(axis=1).tolist()


def test_finds_how_much_too_sure_it_was():
    label, true, sharp = true_and_overconfident()
    assert fit_temperature(sharp, label) == pytest.approx(3, rel=0.1)
    assert fit_temperature(true, label) == pytest.approx(1, rel=0.1)


def test_no_temperature_does_better():
    label, _, sharp = true_and_overconfident(items=500)
    best = fit_temperature(sharp, label)
    for other in (0.5, 0.9, 0.99, 1.01, 1.1, 2):
        worse = likelihood(tempered(sharp, best * other), label)
        assert worse < likelihood(tempered(sharp, best), label)


def test_fitted_on_dev_it_mends_test():
    label, _, sharp = true_and_overconfident(items=20_000, seed=1)
    dev, test = slice(0, 2000), slice(2000, None)
    mended = tempered(sharp[test], fit_temperature(sharp[dev], label[dev]))
    before = expected_calibration_error(sharp[test], label[test])
    assert before > 0.2
    assert expected_calibration_error(mended, label[test]) < 0.04


def test_stays_within_its_bounds():
    probability = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert fit_temperature(probability, np.array([0, 1])) == pytest.approx(COLDEST)
    assert fit_temperature(probability, np.array([1, 0])) == pytest.approx(HOTTEST)


def test_needs_something_to_fit_on():
    with pytest.raises(UserError, match="no labelled item on dev"):
        fit_temperature(np.zeros((0, 3)), np.zeros(0, np.int64))
