"""Decision fusion: each rule by hand, laws of every rule, and the simulated table."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.errors import UserError
from fedaffect.inference.abstention import UNCERTAIN
from fedaffect.inference.calibration import softmax
from fedaffect.inference.fusion import RULES, fuse
from fedaffect.inference.stacking import Stacking

FACE, BODY, VOICE = (np.array([row]) for row in ([0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.5, 0.2, 0.3]))


def fused(rule, weights=None, threshold=0.0, absent=(), **predictions):
    present = {name: np.full(len(p), name not in absent) for name, p in predictions.items()}
    return fuse(
        predictions, present, rule=rule, pairing="recorded", weights=weights, threshold=threshold
    )


def random_predictions(seed, items=6, modalities=3, classes=4):
    random = np.random.default_rng(seed)
    names = ("body", "face", "voice")[:modalities]
    return {name: softmax(2 * random.normal(size=(items, classes))) for name in names}


# --- each rule, by hand --------------------------------------------------------------------------


def test_vote_takes_the_majority():
    """Two for the first class, however sure the third is of the second; their mean."""
    found = fused("vote", face=FACE, body=BODY, voice=VOICE)
    np.testing.assert_allclose(found.probability, [[0.55, 0.25, 0.2]])
    assert {name: share.tolist() for name, share in found.share.items()} == {
        "body": [0],
        "face": [0.5],
        "voice": [0.5],
    }


def test_a_tied_vote_goes_to_the_more_confident():
    found = fused("vote", face=FACE, body=BODY)
    np.testing.assert_allclose(found.probability, BODY)
    assert found.share["body"] == 1


def test_votes_have_weights():
    """.6 against .2 + .2; and a tie of .1 + .2 against .3, which floats must not break."""
    heavy = fused("vote", {"body": 3, "face": 1, "voice": 1}, face=FACE, body=BODY, voice=VOICE)
    assert heavy.decision == 1
    tied = fused(
        "vote", {"body": 0.3, "face": 0.1, "voice": 0.2}, face=FACE, body=BODY, voice=VOICE
    )
    assert tied.decision == 1


def test_a_weight_of_zero_breaks_no_tie():
    sure = np.array([[0.0, 1.0, 0.0]])
    weights = {"body": 1, "face": 1, "voice": 0}
    found = fused("vote", weights, face=FACE, body=np.array([[0.2, 0.45, 0.35]]), voice=sure)
    assert found.decision == 0


def test_confidence_weighs_by_the_largest_probability():
    """(.6 FACE + .8 BODY) / 1.4"""
    found = fused("confidence", face=FACE, body=BODY)
    np.testing.assert_allclose(found.probability, (0.6 * FACE + 0.8 * BODY) / 1.4)
    np.testing.assert_allclose(found.share["face"], 0.6 / 1.4)


def test_mean_by_weight():
    found = fused("mean", {"face": 3, "body": 1}, face=FACE, body=BODY)
    np.testing.assert_allclose(found.probability, 0.75 * FACE + 0.25 * BODY)


def test_product_multiplies():
    found = fused("product", face=FACE, body=BODY)
    np.testing.assert_allclose(found.probability, FACE * BODY / (FACE * BODY).sum())


def test_product_by_weight():
    """Weights 3 : 1 are powers 1.5 and .5, which add up to the number of modalities."""
    found = fused("product", {"face": 3, "body": 1}, face=FACE, body=BODY)
    raised = FACE**1.5 * BODY**0.5
    np.testing.assert_allclose(found.probability, raised / raised.sum())


# --- laws of every rule --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rules():
    dev = random_predictions(99, items=40)
    stacked = {}
    for modalities in (1, 2, 3):
        some = {m: dev[m] for m in list(dev)[:modalities]}
        there = {m: np.ones(40, bool) for m in some}
        stacked[modalities] = Stacking.fit(some, there, np.arange(40) % 4)
    return lambda name, modalities: stacked[modalities] if name == "stacked" else name


ANY_RULE = st.sampled_from([*RULES, "stacked"])


@given(ANY_RULE, st.integers(0, 100), st.integers(1, 3), st.data())
@settings(max_examples=50, deadline=None)
def test_probabilities_shares_and_absence(rules, name, seed, modalities, data):
    predictions = random_predictions(seed, modalities=modalities)
    present = {
        m: np.array(data.draw(st.lists(st.booleans(), min_size=6, max_size=6))) for m in predictions
    }
    rule = rules(name, modalities)
    found = fuse(predictions, present, rule=rule, pairing="label-matched")
    assert found.pairing == "label-matched"
    np.testing.assert_allclose(found.probability.sum(axis=1), 1)
    assert (found.probability >= 0).all()
    any_present = np.any(list(present.values()), axis=0)
    np.testing.assert_allclose(sum(found.share.values()), any_present)
    for m in predictions:
        assert (found.share[m][~present[m]] == 0).all()
    np.testing.assert_allclose(found.probability[~any_present], 1 / 4)
    assert (found.decision[~any_present] == UNCERTAIN).all()
    assert (found.decision[any_present] == found.probability[any_present].argmax(axis=1)).all()
    # What an absent modality holds does not matter.
    garbage = {m: np.where(present[m][:, None], p, np.nan) for m, p in predictions.items()}
    again = fuse(garbage, present, rule=rule, pairing="recorded")
    np.testing.assert_array_equal(again.probability, found.probability)


@given(st.sampled_from(sorted(RULES)), st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_the_only_modality_present_is_the_result(rule, seed):
    """Whatever its weight: the others are renormalised away."""
    predictions, weights = random_predictions(seed), {"body": 5, "face": 1, "voice": 2}
    found = fused(rule, weights, absent=("body", "voice"), **predictions)
    np.testing.assert_allclose(found.probability, predictions["face"])
    one = fused(rule, {"body": 0, "face": 1, "voice": 0}, **predictions)
    np.testing.assert_allclose(one.probability, predictions["face"])


@given(st.sampled_from(sorted(RULES)), st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_a_modality_dropped_is_a_modality_never_there(rule, seed):
    predictions = random_predictions(seed)
    two = {m: p for m, p in predictions.items() if m != "voice"}
    dropped = fused(rule, {"body": 1, "face": 2, "voice": 4}, absent=("voice",), **predictions)
    never = fused(rule, {"body": 1, "face": 2}, **two)
    np.testing.assert_allclose(dropped.probability, never.probability)


@given(st.sampled_from(sorted(RULES)), st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_only_proportions_of_weights_count(rule, seed):
    predictions = random_predictions(seed)
    some = fused(rule, {"body": 1, "face": 2, "voice": 4}, **predictions)
    same = fused(rule, {"body": 0.3, "face": 0.6, "voice": 1.2}, **predictions)
    np.testing.assert_allclose(some.probability, same.probability)


# --- abstention ----------------------------------------------------------------------------------


def test_below_the_threshold_the_decision_is_uncertain():
    assert fused("mean", face=FACE, body=BODY).decision == 1  # .35, .55, .1
    assert fused("mean", threshold=0.6, face=FACE, body=BODY).decision == UNCERTAIN
    of_class = np.array([0.9, 0.5, 0.9])
    assert fused("mean", threshold=of_class, face=FACE, body=BODY).decision == 1


def test_without_any_weight_the_decision_is_uncertain():
    """The face is all the weight there is, and it is absent."""
    found = fused("mean", {"face": 1, "body": 0}, absent=("face",), face=FACE, body=BODY)
    assert found.decision == UNCERTAIN


@pytest.mark.parametrize(
    "weights",
    [{"face": 1}, {"face": 1, "body": -1}, {"face": 0, "body": 0}, {"face": np.nan, "body": 1}],
)
def test_invalid_weights(weights):
    with pytest.raises(UserError, match=r"fusion\.weights"):
        fused("mean", weights, face=FACE, body=BODY)


# --- two voters of 77 and 74 % -------------------------------------------------------------------


def voters(classes, correlation, items=12_000, accuracies=(0.77, 0.74)):
    """Calibrated modalities of given accuracy, whose errors correlate.

    A modality sees d · onehot(label) + noise, of which d · (what it sees) are the logits that follow from it.
    """
    random = np.random.default_rng(0)
    label = random.integers(classes, size=items)
    shared = np.sqrt(correlation) * random.normal(size=(items, classes))
    predictions = {}
    for name, accuracy in zip(("face", "body"), accuracies, strict=True):
        noise = shared + np.sqrt(1 - correlation) * random.normal(size=(items, classes))
        low, high = 0.0, 6.0
        for _ in range(30):
            distance = (low + high) / 2
            seen = distance * np.eye(classes)[label] + noise
            right = (seen.argmax(axis=1) == label).mean()
            low, high = (low, distance) if right > accuracy else (distance, high)
        predictions[name] = softmax(distance * seen)
    return predictions, label


@pytest.mark.parametrize(
    ("classes", "correlation", "published"),
    [
        (4, 0.0, (0.861, 0.875, 0.880, 0.894)),
        (4, 0.6, (0.797, 0.801, 0.802, 0.803)),
        (7, 0.0, (0.870, 0.887, 0.893, 0.920)),
        (7, 0.3, (0.837, 0.849, 0.853, 0.866)),
    ],
)
def test_the_simulated_table(classes, correlation, published):
    """Independent errors make fusion look good, the more so the rule believes in them; correlated ones don't.

    With two voters `vote`, its ties broken, is the more confident one. `stacked` learns on one half that the
    product is right here, and both halves say so.
    """
    predictions, label = voters(classes, correlation)
    half = len(label) // 2
    rule = Stacking.fit(
        {m: p[:half] for m, p in predictions.items()},
        {m: np.ones(half, bool) for m in predictions},
        label[:half],
    )
    found = [
        (fused(r, **{m: p[half:] for m, p in predictions.items()}).decision == label[half:]).mean()
        for r in ("vote", "confidence", "mean", "product", rule)
    ]
    np.testing.assert_allclose(found[:4], published, atol=0.012)
    assert found[4] == pytest.approx(found[3], abs=0.006)
    assert found[:4] == sorted(found[:4])
