"""What counting makes of splits, whoever chose them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.inference.forest import Forest
from fedaffect.learning.forest.bagging import grow
from fedaffect.learning.forest.counts import CountedForest, leaf_counts, undecided, with_counts
from fedaffect.learning.forest.random_splits import random_trees, standard_grid


@pytest.fixture(scope="module")
def forest():
    return random_trees(standard_grid(4, 15), trees=6, depth=3, classes=3, seed=1)


@pytest.fixture
def uneven():
    """x0 > 0.5 ? (x1 > -1 ? leaf 2 : leaf 1) : leaf 0, and a tree that is a leaf and padding; two classes."""
    return Forest(
        np.array([[0, 0, 1, 0, 0], [0] * 5], np.int16),
        np.array([[0.5, 0, -1, 0, 0], [0] * 5], np.float32),
        np.array([[1, 0, 3, 0, 0], [0] * 5], np.int16),
        np.array(
            [[(0, 0), (0.9, 0.1), (0, 0), (1, 0), (0.3, 0.7)], [(0.9, 0.1), *[(0, 0)] * 4]],
            np.float32,
        ),
        columns=2,
    )


UNEVEN_ROWS = np.array([(0, 0), (1, -2), (1, -2), (1, 0)], np.float32)
UNEVEN_LABEL = np.array([0, 1, 0, 1])


def items(n, columns=4, classes=3, seed=0):
    random = np.random.default_rng(seed)
    rows = random.normal(size=(n, columns)).astype(np.float32)
    return rows, random.integers(0, classes, n)


def test_counts_are_sums_of_one_hots(forest):
    rows, label = items(40)
    expected = np.zeros((6, 8, 3))
    for row, k in zip(rows, label, strict=True):
        for tree in range(6):
            node = 0
            while forest.child[tree, node]:
                right = row[forest.feature[tree, node]] > forest.threshold[tree, node]
                node = forest.child[tree, node] + right
            expected[tree, node - 7, k] += 1
    found = leaf_counts(forest, rows, label, 8)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, expected)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_clients_add_up(forest, one, other, seed):
    """Nobody can tell from a sum who brought what."""
    rows, label = items(one + other, seed=seed)
    apart = leaf_counts(forest, rows[:one], label[:one], 8)
    apart = apart + leaf_counts(forest, rows[one:], label[one:], 8)
    np.testing.assert_array_equal(apart, leaf_counts(forest, rows, label, 8))


def test_an_item_changes_one_number_a_tree_by_one(forest):
    """What noise must hide: L1 = trees, L2 = its root."""
    rows, label = items(30)
    change = leaf_counts(forest, rows, label, 8) - leaf_counts(forest, rows[1:], label[1:], 8)
    np.testing.assert_array_equal(change.sum(axis=(1, 2)), np.ones(6))
    assert np.abs(change).sum() == 6
    assert np.linalg.norm(change.ravel()) == pytest.approx(np.sqrt(6))


def test_leaves_by_hand():
    """One split, four items: (3, 0) to the left, (0, 1) to the right; smoothing 1, sharpness 1.

    Root: (3 + ½) / 5 = 0.7. Left: (3 + 0.7) / 4 = 0.925; right: (0 + 0.7) / 2 = 0.35.
    """
    forest = random_trees(standard_grid(1, 1), trees=1, depth=1, classes=2, seed=0)
    found = with_counts(forest, np.array([[(3.0, 0), (0, 1)]]), smoothing=1, sharpness=1)
    np.testing.assert_allclose(found.probability[0, 1:, 0], [0.925, 0.35], rtol=1e-6)


def test_sharpness_raises_the_evidence():
    """As above: odds 0.7 / 0.3 times the leaf's evidence, to the power."""
    forest = random_trees(standard_grid(1, 1), trees=1, depth=1, classes=2, seed=0)
    found = with_counts(forest, np.array([[(3.0, 0), (0, 1)]]), smoothing=1, sharpness=3)
    prior, odds = 7 / 3, np.array([0.925 / 0.075, 0.35 / 0.65])
    expected = prior * (odds / prior) ** 3
    np.testing.assert_allclose(found.probability[0, 1:, 0], expected / (1 + expected), rtol=1e-5)


def test_as_sharp_as_there_are_trees_is_naive_bayes():
    """prior(class) Π p(leaf | class), where every leaf is full enough to need no smoothing."""
    forest = random_trees(standard_grid(4, 15), trees=3, depth=1, classes=2, seed=3)
    rows, label = items(400, classes=2)
    rows[:, :2] += label[:, None]
    counts = leaf_counts(forest, rows, label, 2).astype(float)
    found = with_counts(forest, counts, smoothing=1e-9, sharpness=3).predict(rows[:20])
    side = forest.leaves(rows[:20]) - 1
    per_class = counts / counts.sum(axis=1, keepdims=True)
    expected = np.bincount(label) * per_class[np.arange(3), side].prod(axis=1)
    np.testing.assert_allclose(found, expected / expected.sum(axis=1, keepdims=True), rtol=1e-4)


def test_an_empty_leaf_says_what_its_parent_does():
    forest = random_trees(standard_grid(3, 7), trees=1, depth=2, classes=2, seed=0)
    counts = np.array([[(0.0, 0), (6, 2), (1, 9), (4, 4)]])
    found = with_counts(forest, counts, smoothing=1, sharpness=1).probability[0, 3:, 0]
    root = 11.5 / 27
    assert found[0] == pytest.approx((6 + root) / 9)


def test_nothing_counted_is_undecided(forest):
    found = with_counts(forest, np.zeros((6, 8, 3)), smoothing=1, sharpness=4)
    np.testing.assert_allclose(found.probability[:, 7:], 1 / 3, rtol=1e-6)


def test_noise_leaves_probabilities(forest):
    noisy = np.random.default_rng(0).normal(scale=50, size=(6, 8, 3))
    found = with_counts(forest, noisy, smoothing=1, sharpness=4).predict(items(20)[0])
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_leaves_of_uneven_trees_are_numbered_in_their_order(uneven):
    found = leaf_counts(uneven, UNEVEN_ROWS, UNEVEN_LABEL, 4)
    expected = [[(1, 0), (1, 1), (0, 1), (0, 0)], [(2, 2), (0, 0), (0, 0), (0, 0)]]
    np.testing.assert_array_equal(found, expected)


def test_uneven_trees_by_hand(uneven):
    """Smoothing 1, sharpness 1. Root: 2.5 / 5. Leaf 0: (1 + ½) / 2. Its sister: (1 + ½) / 4; below it
    (1 + 3/8) / 3 and (0 + 3/8) / 2. The tree that is a leaf: 2.5 / 5.
    """
    counts = leaf_counts(uneven, UNEVEN_ROWS, UNEVEN_LABEL, 3)
    found = with_counts(undecided(uneven), counts, smoothing=1, sharpness=1)
    expected = [[0, 0.75, 0, 1.375 / 3, 0.375 / 2], [0.5, 0, 0, 0, 0]]
    np.testing.assert_allclose(found.probability[..., 0], expected, rtol=1e-6)


def test_undecided_trees_keep_their_splits_and_say_nothing(uneven):
    found = undecided(uneven)
    for name in ("feature", "threshold", "child"):
        np.testing.assert_array_equal(getattr(found, name), getattr(uneven, name))
    half, none = (0.5, 0.5), (0, 0)
    expected = [[none, half, none, half, half], [half, *[none] * 4]]
    np.testing.assert_array_equal(found.probability, expected)
    assert found.pool == "geometric"


@given(st.integers(20, 80), st.integers(1, 5), st.integers(0, 100))
@settings(max_examples=15, deadline=None)
def test_grown_trees_lose_no_item(n, depth, seed):
    rows, label = items(n, seed=seed)
    grid = standard_grid(4, 15)
    found = grow(rows, label, 3, grid, trees=3, depth=depth, leaf=5, seed=seed)
    counts = leaf_counts(found, rows, label, 2**depth)
    np.testing.assert_array_equal(counts.sum(axis=1), [np.bincount(label, minlength=3)] * 3)


def test_a_forest_goes_on_counting(forest):
    """One of its own items is as three of everybody's; what it was given stays as it is."""
    (theirs, known), (rows, label) = items(30), items(7, seed=1)
    counts = leaf_counts(forest, theirs, known, 8).astype(float)
    before = counts.copy()
    personal = CountedForest(forest, counts, smoothing=1, sharpness=4, weight=3)
    at_first = with_counts(forest, counts, 1, 4).predict(rows)
    np.testing.assert_array_equal(personal.predict(rows), at_first)
    personal.learn(rows[:3], label[:3])
    personal.learn(rows[3:], label[3:])
    more = np.concatenate([theirs, *[rows] * 3]), np.concatenate([known, *[label] * 3])
    expected = with_counts(forest, leaf_counts(forest, *more, 8), 1, 4).predict(rows)
    np.testing.assert_allclose(personal.predict(rows), expected, rtol=1e-6)
    np.testing.assert_array_equal(counts, before)
