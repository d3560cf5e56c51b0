"""One answer from several modalities: by hand, as laws, and against the simulated table."""

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


def ask(rule, weights=None, threshold=0.0, absent=(), **said):
    present = {name: np.full(len(p), name not in absent) for name, p in said.items()}
    return fuse(said, present, rule=rule, pairing="recorded", weights=weights, threshold=threshold)


def said(seed, items=6, modalities=3, classes=4):
    random = np.random.default_rng(seed)
    names = ("body", "face", "voice")[:modalities]
    return {name: softmax(2 * random.normal(size=(items, classes))) for name in names}


# --- each rule, by hand --------------------------------------------------------------------------


def test_vote_takes_the_majority():
    """Two for the first class, however sure the third is of the second; their mean."""
    found = ask("vote", face=FACE, body=BODY, voice=VOICE)
    np.testing.assert_allclose(found.probability, [[0.55, 0.25, 0.2]])
    assert {name: share.tolist() for name, share in found.share.items()} == {
        "body": [0],
        "face": [0.5],
        "voice": [0.5],
    }


def test_a_tied_vote_goes_to_the_more_confident():
    found = ask("vote", face=FACE, body=BODY)
    np.testing.assert_allclose(found.probability, BODY)
    assert found.share["body"] == 1


def test_votes_have_weights():
    """.6 against .2 + .2; and a tie of .1 + .2 against .3, which floats must not break."""
    heavy = ask("vote", {"body": 3, "face": 1, "voice": 1}, face=FACE, body=BODY, voice=VOICE)
    assert heavy.decision == 1
    tied = ask("vote", {"body": 0.3, "face": 0.1, "voice": 0.2}, face=FACE, body=BODY, voice=VOICE)
    assert tied.decision == 1


def test_who_weighs_nothing_breaks_no_tie():
    sure = np.array([[0.0, 1.0, 0.0]])
    weights = {"body": 1, "face": 1, "voice": 0}
    found = ask("vote", weights, face=FACE, body=np.array([[0.2, 0.45, 0.35]]), voice=sure)
    assert found.decision == 0


def test_confidence_weighs_by_the_largest_probability():
    """(.6 FACE + .8 BODY) / 1.4"""
    found = ask("confidence", face=FACE, body=BODY)
    np.testing.assert_allclose(found.probability, (0.6 * FACE + 0.8 * BODY) / 1.4)
    np.testing.assert_allclose(found.share["face"], 0.6 / 1.4)


def test_mean_by_weight():
    found = ask("mean", {"face": 3, "body": 1}, face=FACE, body=BODY)
    np.testing.assert_allclose(found.probability, 0.75 * FACE + 0.25 * BODY)


def test_product_multiplies():
    found = ask("product", face=FACE, body=BODY)
    np.testing.assert_allclose(found.probability, FACE * BODY / (FACE * BODY).sum())


def test_product_by_weight():
    """Weights 3 : 1 are powers 1.5 and .5, which add up to the number of modalities."""
    found = ask("product", {"face": 3, "body": 1}, face=FACE, body=BODY)
    raised = FACE**1.5 * BODY**0.5
    np.testing.assert_allclose(found.probability, raised / raised.sum())


# --- laws of every rule --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rules():
    dev = said(99, items=40)
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
    opinions = said(seed, modalities=modalities)
    present = {
        m: np.array(data.draw(st.lists(st.booleans(), min_size=6, max_size=6))) for m in opinions
    }
    rule = rules(name, modalities)
    found = fuse(opinions, present, rule=rule, pairing="label-matched")
    assert found.pairing == "label-matched"
    np.testing.assert_allclose(found.probability.sum(axis=1), 1)
    assert (found.probability >= 0).all()
    anybody = np.any(list(present.values()), axis=0)
    np.testing.assert_allclose(sum(found.share.values()), anybody)
    for m in opinions:
        assert (found.share[m][~present[m]] == 0).all()
    np.testing.assert_allclose(found.probability[~anybody], 1 / 4)
    assert (found.decision[~anybody] == UNCERTAIN).all()
    assert (found.decision[anybody] == found.probability[anybody].argmax(axis=1)).all()
    # What an absent modality holds does not matter.
    garbage = {m: np.where(present[m][:, None], p, np.nan) for m, p in opinions.items()}
    again = fuse(garbage, present, rule=rule, pairing="recorded")
    np.testing.assert_array_equal(again.probability, found.probability)


@given(st.sampled_from(sorted(RULES)), st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_who_is_left_alone_is_the_answer(rule, seed):
    """Whatever its weight: the others are renormalised away."""
    opinions, weights = said(seed), {"body": 5, "face": 1, "voice": 2}
    found = ask(rule, weights, absent=("body", "voice"), **opinions)
    np.testing.assert_allclose(found.probability, opinions["face"])
    one = ask(rule, {"body": 0, "face": 1, "voice": 0}, **opinions)
    np.testing.assert_allclose(one.probability, opinions["face"])


@given(st.sampled_from(sorted(RULES)), st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_a_modality_dropped_is_a_modality_never_there(rule, seed):
    opinions = said(seed)
    two = {m: p for m, p in opinions.items() if m != "voice"}
    dropped = ask(rule, {"body": 1, "face": 2, "voice": 4}, absent=("voice",), **opinions)
    never = ask(rule, {"body": 1, "face": 2}, **two)
    np.testing.assert_allclose(dropped.probability, never.probability)


@given(st.sampled_from(sorted(RULES)), st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_only_proportions_of_weights_count(rule, seed):
    opinions = said(seed)
    some = ask(rule, {"body": 1, "face": 2, "voice": 4}, **opinions)
    same = ask(rule, {"body": 0.3, "face": 0.6, "voice": 1.2}, **opinions)
    np.testing.assert_allclose(some.probability, same.probability)


# --- abstention ----------------------------------------------------------------------------------


def test_below_the_threshold_nothing_is_named():
    assert ask("mean", face=FACE, body=BODY).decision == 1  # .35, .55, .1
    assert ask("mean", threshold=0.6, face=FACE, body=BODY).decision == UNCERTAIN
    of_class = np.array([0.9, 0.5, 0.9])
    assert ask("mean", threshold=of_class, face=FACE, body=BODY).decision == 1


def test_a_weight_of_nothing_says_nothing():
    """The face is all the weight there is, and it is absent."""
    found = ask("mean", {"face": 1, "body": 0}, absent=("face",), face=FACE, body=BODY)
    assert found.decision == UNCERTAIN


@pytest.mark.parametrize(
    "weights",
    [{"face": 1}, {"face": 1, "body": -1}, {"face": 0, "body": 0}, {"face": np.nan, "body": 1}],
)
def test_weights_that_are_none(weights):
    with pytest.raises(UserError, match=r"fusion\.weights"):
        ask("mean", weights, face=FACE, body=BODY)


# --- two voters of 77 and 74 % -------------------------------------------------------------------


def voters(classes, correlation, items=12_000, accuracies=(0.77, 0.74)):
    """Calibrated modalities of given accuracy, whose errors correlate.

    A modality sees d · onehot(label) + noise, of which d · (what it sees) are the logits that follow from it.
    """
    random = np.random.default_rng(0)
    label = random.integers(classes, size=items)
    shared = np.sqrt(correlation) * random.normal(size=(items, classes))
    opinions = {}
    for name, accuracy in zip(("face", "body"), accuracies, strict=True):
        noise = shared + np.sqrt(1 - correlation) * random.normal(size=(items, classes))
        low, high = 0.0, 6.0
        for _ in range(30):
            distance = (low + high) / 2
            seen = distance * np.eye(classes)[label] + noise
            right = (seen.argmax(axis=1) == label).mean()
            low, high = (low, distance) if right > accuracy else (distance, high)
        opinions[name] = softmax(distance * seen)
    return opinions, label


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
    opinions, label = voters(classes, correlation)
    half = len(label) // 2
    rule = Stacking.fit(
        {m: p[:half] for m, p in opinions.items()},
        {m: np.ones(half, bool) for m in opinions},
        label[:half],
    )
    found = [
        (ask(r, **{m: p[half:] for m, p in opinions.items()}).decision == label[half:]).mean()
        for r in ("vote", "confidence", "mean", "product", rule)
    ]
    np.testing.assert_allclose(found[:4], published, atol=0.012)
    assert found[4] == pytest.approx(found[3], abs=0.006)
    assert found[:4] == sorted(found[:4])
