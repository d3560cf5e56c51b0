"""Trees that no data chose."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.learning.forest.random_splits import even_grid, random_trees, standard_grid


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
