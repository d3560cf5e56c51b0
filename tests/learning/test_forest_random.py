"""Trees that no data chose, and what counting makes of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.learning.forest_random import (
    even_grid,
    leaf_counts,
    random_trees,
    standard_grid,
    with_counts,
)


@pytest.fixture(scope="module")
def forest():
    return random_trees(standard_grid(4, 15), trees=6, depth=3, classes=3, seed=1)


def items(n, columns=4, classes=3, seed=0):
    random = np.random.default_rng(seed)
    rows = random.normal(size=(n, columns)).astype(np.float32)
    return rows, random.integers(0, classes, n)


def test_standard_grid_is_of_quantiles():
    found = standard_grid(2, 3)
    np.testing.assert_allclose(found, [[-0.67449, 0, 0.67449]] * 2, atol=1e-5)


def test_even_grid_is_inside_the_ranges():
    np.testing.assert_allclose(even_grid([(0, 4), (-1, 1)], 3), [(1, 2, 3), (-0.5, 0, 0.5)])


def test_the_same_for_everybody_with_the_seed():
    first, again, other = (
        random_trees(standard_grid(5, 7), trees=3, depth=4, classes=2, seed=s) for s in (7, 7, 8)
    )
    np.testing.assert_array_equal(first.threshold, again.threshold)
    np.testing.assert_array_equal(first.feature, again.feature)
    assert (first.feature != other.feature).any()


def test_more_trees_begin_with_the_same():
    few, many = (
        random_trees(standard_grid(5, 7), trees=t, depth=4, classes=2, seed=7) for t in (3, 5)
    )
    np.testing.assert_array_equal(many.threshold[:3], few.threshold)


@given(st.integers(1, 4), st.integers(2, 9), st.integers(1, 5), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_every_cell_that_can_be_cut_is(columns, levels, depth, seed):
    """Whoever holds two cells of the grid or more sends some to each side."""
    grid = standard_grid(columns, levels)
    forest = random_trees(grid, trees=1, depth=depth, classes=2, seed=seed)
    assert set(forest.threshold.ravel()) <= {*grid.ravel(), np.float32(0)}
    middle = np.concatenate([grid[0, :1] - 1, (grid[0, 1:] + grid[0, :-1]) / 2, grid[0, -1:] + 1])
    every = np.stack(np.meshgrid(*[middle] * columns), axis=-1).reshape(-1, columns)
    held = {0: every.astype(np.float32)}
    for node in range(2**depth - 1):
        cells = held[node]
        right = cells[:, forest.feature[0, node]] > forest.threshold[0, node]
        assert len(cells) < 2 or 0 < right.sum() < len(cells)
        held |= {2 * node + 1: cells[~right], 2 * node + 2: cells[right]}


def test_columns_are_drawn_alike():
    forest = random_trees(standard_grid(4, 31), trees=300, depth=1, classes=2, seed=0)
    times = np.bincount(forest.feature[:, 0], minlength=4)
    assert times.min() > 50  # of 75 expected, with a standard deviation of 7.5


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
    found = leaf_counts(forest, rows, label)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, expected)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_clients_add_up(forest, one, other, seed):
    """Nobody can tell from a sum who brought what."""
    rows, label = items(one + other, seed=seed)
    apart = leaf_counts(forest, rows[:one], label[:one])
    apart = apart + leaf_counts(forest, rows[one:], label[one:])
    np.testing.assert_array_equal(apart, leaf_counts(forest, rows, label))


def test_an_item_changes_one_number_a_tree_by_one(forest):
    """What noise must hide: L1 = trees, L2 = its root."""
    rows, label = items(30)
    change = leaf_counts(forest, rows, label) - leaf_counts(forest, rows[1:], label[1:])
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
    counts = leaf_counts(forest, rows, label).astype(float)
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
