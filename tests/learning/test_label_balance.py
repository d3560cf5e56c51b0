import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fedaffect.experiment import Training
from fedaffect.learning import label_balance as module
from fedaffect.learning.label_balance import LabelBalance, class_weights


def test_the_example() -> None:
    results = doctest.testmod(module)
    assert (results.attempted, results.failed) == (1, 0)


def test_class_weights_are_inverse_frequencies():
    """SDT's frequencies on IEMOCAP (Ma et al. 2024, released code) follow from its 5,810 labels."""
    counts = np.array([504, 839, 1324, 933, 742, 1468])
    published = [0.086747, 0.144406, 0.227883, 0.160585, 0.127711, 0.252668]
    weights = class_weights(counts)
    assert weights.dtype == np.float64
    np.testing.assert_allclose(1 / weights, published, atol=5e-7)


@pytest.mark.parametrize(
    ("counts", "weights"), [([0, 0, 0], [1, 1, 1]), ([0, 5, 0], [5, 1, 5]), ([1, 2, 3], [6, 3, 2])]
)
def test_an_absent_class_weighs_as_with_one_item(counts, weights):
    np.testing.assert_array_equal(class_weights(np.array(counts)), weights)


def label_balance(adjustment, counts, overall=None, weights="none"):
    training = Training(class_weights=weights, logit_adjustment=adjustment)
    return LabelBalance.of(training, np.array(counts), overall)


def test_weights_by_local_or_global_frequencies():
    overall = np.array([0.25, 0.75, 0.0])
    for weights, expected in {
        "none": [1, 1, 1],
        "local": [4 / 3, 4, 4],
        "federated": [4, 4 / 3, 1],
    }.items():
        found = label_balance("none", [3, 1, 0], overall, weights)
        np.testing.assert_allclose(found.weight, expected)
        assert not found.shift.any()


def test_logits_are_shifted_by_local_frequency():
    np.testing.assert_allclose(label_balance("local", [3, 1]).shift, np.log([0.75, 0.25]))


def test_logits_are_shifted_by_local_over_global_frequency():
    found = label_balance("federated", [3, 1], np.array([0.25, 0.75]))
    np.testing.assert_allclose(found.shift, np.log([3, 1 / 3]))
    assert not label_balance("federated", [3, 1]).shift.any()  # of a single client they are equal
    assert not label_balance("federated", [3, 0], np.array([1.0, 0.0])).shift.any()


@pytest.mark.parametrize("weights", ["local", "federated"])
def test_both_corrections_at_once_are_refused(weights):
    """Weights of 1 / f alone give posteriors for equal frequencies; a shift would correct them twice."""
    with pytest.raises(ValidationError, match=f"class_weights={weights} makes up for a mixture"):
        Training(class_weights=weights, logit_adjustment="federated")
    with pytest.raises(ValidationError, match=r"votes are not what training.logit_adjustment"):
        Training(class_weights="none", logit_adjustment="local", soft_labels=True)


def test_a_class_without_an_item_hardly_takes_part():
    shift = label_balance("federated", [4, 4, 0], np.array([0.4, 0.4, 0.2])).shift
    assert np.exp(shift[2]) / np.exp(shift).sum() < 1e-4


@given(
    own=st.lists(st.integers(1, 50), min_size=3, max_size=3),
    others=st.lists(st.integers(1, 50), min_size=3, max_size=3),
    likelihood=st.lists(st.floats(0.01, 1), min_size=3, max_size=3),
)
def test_what_a_client_learns_shifted_is_overalls_posterior(own, others, likelihood):
    """Bayes, with one likelihood and two priors."""
    prior, overall = np.array(own) / sum(own), np.array(others) / sum(others)
    shift = label_balance("federated", own, overall).shift
    learnt = np.log(np.array(likelihood) * prior) - shift
    expected = np.array(likelihood) * overall
    np.testing.assert_allclose(
        np.exp(learnt) / np.exp(learnt).sum(), expected / expected.sum(), rtol=1e-9
    )
