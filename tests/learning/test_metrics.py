"""Scores against scikit-learn, against published baselines, and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, recall_score

from fedaffect.learning import metrics
from fedaffect.learning.learner import Outputs
from fedaffect.learning.metrics import (
    BINS,
    bootstrap_interval,
    calibration_error,
    evaluate,
    own_classes,
    recall_and_f1,
    scores,
)

PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)
MATRICES = st.lists(st.lists(st.integers(0, 30), min_size=4, max_size=4), min_size=4, max_size=4)


def confusion_of(true, estimated, classes=5):
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (true, estimated), 1)
    return confusion


# --- scores --------------------------------------------------------------------------------------


@given(PAIRS)
@settings(deadline=None)
def test_scores_are_scikit_learns(pairs):
    true, estimated = np.array(pairs).T
    found = scores(confusion_of(true, estimated))
    seen = np.unique(true)
    assert found.accuracy == pytest.approx(accuracy_score(true, estimated))
    assert found.weighted_f1 == pytest.approx(
        f1_score(true, estimated, average="weighted", zero_division=0)
    )
    # The means run over classes that occur; scikit-learn is told which.
    assert found.macro_f1 == pytest.approx(
        f1_score(true, estimated, labels=seen, average="macro", zero_division=0)
    )
    assert found.uar == pytest.approx(recall_score(true, estimated, labels=seen, average="macro"))


@given(MATRICES)
@settings(deadline=None)
def test_accuracy_and_weighted_f1_are_means_by_support(matrix):
    """ACC = Σ n_c recall_c / N and wF1 = Σ n_c F1_c / N."""
    confusion = np.array(matrix)
    support, total = confusion.sum(axis=1), max(confusion.sum(), 1)
    recall, f1 = recall_and_f1(confusion)
    found = scores(confusion)
    assert found.accuracy == pytest.approx(np.trace(confusion) / total)
    assert found.accuracy == pytest.approx((support * recall).sum() / total)
    assert found.weighted_f1 == pytest.approx((support * f1).sum() / total)


@pytest.mark.parametrize(
    ("support", "always", "accuracy", "weighted_f1"),
    [
        ([144, 245, 384, 170, 299, 381], 2, 23.66, 9.05),  # IEMOCAP, always neutral
        ([1256, 281, 50, 208, 402, 68, 345], 0, 48.12, 31.27),  # MELD, always neutral
    ],
)
def test_trivial_baselines_of_the_field(support, always, accuracy, weighted_f1):
    confusion = np.zeros((len(support), len(support)), np.int64)
    confusion[:, always] = support
    found = scores(confusion)
    assert round(100 * found.accuracy, 2) == accuracy
    assert round(100 * found.weighted_f1, 2) == weighted_f1
    assert found.uar == pytest.approx(1 / len(support))


def test_scores_by_hand():
    """Class 0: recall 3/4, F1 6/7 · ... ; class 2 does not occur but is estimated once."""
    confusion = np.array([[3, 0, 1], [1, 2, 0], [0, 0, 0]])
    recall, f1 = recall_and_f1(confusion)
    np.testing.assert_allclose(recall, [3 / 4, 2 / 3, 0])
    np.testing.assert_allclose(f1, [6 / 8, 4 / 5, 0])
    found = scores(confusion)
    assert found.accuracy == pytest.approx(5 / 7)
    assert found.macro_f1 == pytest.approx((6 / 8 + 4 / 5) / 2)
    assert found.weighted_f1 == pytest.approx((4 * 6 / 8 + 3 * 4 / 5) / 7)
    assert found.uar == pytest.approx((3 / 4 + 2 / 3) / 2)


def test_nothing_scores_nothing():
    found = scores(np.zeros((3, 3), np.int64))
    assert (found.weighted_f1, found.macro_f1, found.accuracy, found.uar) == (0, 0, 0, 0)


def test_own_classes_keeps_the_rows_of_what_a_client_has():
    confusion = np.arange(9).reshape(3, 3)
    found = own_classes(confusion, np.array([4, 0, 1]))
    np.testing.assert_array_equal(found, [[0, 1, 2], [0, 0, 0], [6, 7, 8]])


# --- counts --------------------------------------------------------------------------------------


def outputs(item, probability, weights=None):
    probability = np.array(probability, np.float32)
    n = len(item)
    weights = np.ones((n, 2), np.float32) if weights is None else np.array(weights, np.float32)
    return Outputs(np.array(item), probability, np.zeros((n, 1), np.float32), weights)


@pytest.fixture
def corpus(make_corpus):
    from dataclasses import replace

    made = make_corpus(conversations=3, turns=2, classes=2)
    return replace(made, label=np.array([0, 1, -1, 1, 0, 0]))


def test_evaluation_by_hand(corpus):
    """Rows 1..5; row 2 has no label, row 0 was not predicted."""
    found = evaluate(
        corpus,
        outputs(
            [1, 2, 3, 4, 5],
            [[0.1, 0.9], [1, 0], [0.6, 0.4], [0.7, 0.3], [0, 1]],
            [[1, 0], [0.5, 0.5], [0.2, 0.8], [0.4, 0.6], [0.3, 0.7]],
        ),
    )
    np.testing.assert_array_equal(
        found.confusion, [[[0, 0], [0, 1]], [[0, 0], [1, 0]], [[1, 1], [0, 0]]]
    )
    np.testing.assert_array_equal(found.total, [[1, 1], [1, 1]])
    np.testing.assert_allclose(found.modality_weights, [[0.7, 1.3], [1.2, 0.8]], rtol=1e-6)
    # Confidences 0.9, 0.6, 0.7 and 1.0 fall into bins 13, 9 (0.6 is 0.60000002), 10 and the last.
    expected = np.zeros((BINS, 3))
    expected[[13, 9, 10, 14]] = [[1, 0.9, 1], [1, 0.6, 0], [1, 0.7, 1], [1, 1.0, 0]]
    np.testing.assert_allclose(found.reliability, expected, atol=1e-6)


def test_conversations_are_counted_apart_and_add_up(corpus):
    everything = evaluate(corpus, outputs(range(6), np.eye(2)[[0, 1, 0, 1, 1, 0]]))
    assert everything.confusion.shape == (3, 2, 2)
    np.testing.assert_array_equal(everything.confusion.sum(axis=(1, 2)), [2, 1, 2])
    parts = [
        evaluate(corpus, outputs(rows, np.eye(2)[[0, 1, 0, 1, 1, 0]][list(rows)]))
        for rows in ((0, 1), (2, 3), (4, 5))
    ]
    np.testing.assert_array_equal(sum(p.total for p in parts), everything.total)
    np.testing.assert_allclose(sum(p.reliability for p in parts), everything.reliability)


def test_no_label_gives_no_count(corpus):
    found = evaluate(corpus, outputs([2], [[1, 0]]))
    assert found.confusion.shape == (0, 2, 2)
    assert found.total.sum() == found.reliability.sum() == 0


def test_a_model_that_says_nothing_finite_is_wrong_not_an_error(corpus):
    """After a divergence: counted, with no confidence, and finite enough for the record."""
    nothing = np.full((2, 2), np.nan, np.float32)
    found = evaluate(corpus, outputs([0, 1], nothing, nothing))
    assert found.total.sum() == 2
    assert np.isfinite(found.reliability).all()
    assert np.isfinite(found.modality_weights).all()


# --- calibration ---------------------------------------------------------------------------------


def test_calibration_error_by_hand():
    """Two of four items at .9 with one right: |.9 - .5|; two at .6, both right: |.6 - 1|."""
    reliability = np.zeros((BINS, 3))
    reliability[13], reliability[8] = [2, 1.8, 1], [2, 1.2, 2]
    assert calibration_error(reliability) == pytest.approx(0.5 * 0.4 + 0.5 * 0.4)


def test_calibration_of_who_is_always_sure():
    sure = np.zeros((BINS, 3))
    sure[-1] = [10, 10, 10]
    assert calibration_error(sure) == 0
    sure[-1] = [10, 10, 0]
    assert calibration_error(sure) == 1
    assert calibration_error(np.zeros((BINS, 3))) == 0


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_calibration_is_its_definition(seed):
    random = np.random.default_rng(seed)
    confidence = random.uniform(0.2, 1, 200)
    right = random.random(200) < confidence**2
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    reliability = np.stack(
        [np.bincount(bins, v, minlength=BINS) for v in (np.ones(200), confidence, right)], axis=1
    )
    expected = sum(
        (bins == b).mean() * abs(confidence[bins == b].mean() - right[bins == b].mean())
        for b in np.unique(bins)
    )
    assert calibration_error(reliability) == pytest.approx(expected)


# --- bootstrap -----------------------------------------------------------------------------------


def conversations(count, seed=0):
    return np.random.default_rng(seed).integers(0, 9, size=(count, 3, 3))


@pytest.mark.parametrize("at_once", [1, 7 * 60, metrics.DRAWN_AT_ONCE])
def test_the_interval_is_the_naive_one(at_once, monkeypatch):
    """Drawn one by one and scored one by one: the same numbers, however many are drawn at once."""
    monkeypatch.setattr(metrics, "DRAWN_AT_ONCE", at_once)
    from fedaffect.randomness import generator

    confusion = conversations(7)
    picked = generator(3, "bootstrap").integers(0, 7, size=(200, 7))
    drawn = [scores(confusion[rows].sum(axis=0)).weighted_f1 for rows in picked]
    expected = np.quantile(drawn, [0.05, 0.95])
    found = bootstrap_interval(confusion, 3, draws=200, level=0.9)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_interval_holds_the_score_and_narrows_with_more():
    few, many = conversations(5), conversations(200)
    widths = []
    for confusion in (few, many):
        low, high = bootstrap_interval(confusion, 0)
        assert low <= scores(confusion.sum(axis=0)).weighted_f1 <= high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_the_interval_is_keyed_by_its_seed():
    confusion = conversations(10)
    assert bootstrap_interval(confusion, 0) == bootstrap_interval(confusion, 0)
    assert bootstrap_interval(confusion, 0) != bootstrap_interval(confusion, 1)


def test_equal_conversations_leave_no_doubt():
    confusion = np.repeat(conversations(1), 6, axis=0)
    low, high = bootstrap_interval(confusion, 0)
    assert low == high == pytest.approx(scores(confusion[0]).weighted_f1)


def test_no_conversation_no_interval():
    assert bootstrap_interval(np.zeros((0, 3, 3), np.int64), 0) == (0.0, 0.0)


def test_the_interval_of_several_models_is_that_of_their_mean():
    random = np.random.default_rng(0)
    models = random.integers(0, 9, (5, 12, 3, 3))
    low, high = bootstrap_interval(models, 0)
    alone = np.array([bootstrap_interval(m, 0) for m in models])
    assert high - low < (alone[:, 1] - alone[:, 0]).mean()  # models err apart; their mean errs less
    same = np.broadcast_to(models[0], models.shape)
    assert bootstrap_interval(same, 0) == pytest.approx(bootstrap_interval(models[0], 0))
