"""Totally random trees: their splits follow from a public seed and public ranges, not from data.

Geurts, Ernst, Wehenkel 2006 with K = 1, here with thresholds from a grid.
"""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from fedaffect.inference.forest import Forest
from fedaffect.randomness import generator

Grid = npt.NDArray[np.float32]
"""float32 [columns, levels], increasing: the possible thresholds of each column."""


def standard_grid(columns: int, levels: int) -> Grid:
    """Quantiles of the standard normal distribution, for standardised columns."""
    quantiles = [NormalDist().inv_cdf((i + 1) / (levels + 1)) for i in range(levels)]
    return np.tile(np.array(quantiles, np.float32), (columns, 1))


def even_grid(ranges: Sequence[tuple[float, float]], levels: int) -> Grid:
    """Evenly spaced inside each column's public range (low, high)."""
    low, high = np.array(ranges, np.float64).T[..., None]
    grid: Grid = (low + (high - low) * np.arange(1, levels + 1) / (levels + 1)).astype(np.float32)
    return grid


def random_trees(grid: Grid, trees: int, depth: int, classes: int, seed: int) -> Forest:
    """Complete trees of this depth with random splits, uniform leaves and geometric pooling.

    Node i has the children 2i + 1 and 2i + 2. A node splits a column drawn among those that the splits
    above it left at least two cells of, at a level drawn among those inside; without such a column all
    items go one way.
    """
    inner, nodes = 2**depth - 1, 2 ** (depth + 1) - 1
    feature = np.zeros((trees, nodes), np.int16)
    threshold = np.zeros((trees, nodes), np.float32)
    for tree in range(trees):
        column, level = _splits(grid, depth, generator(seed, "random tree", tree))
        feature[tree, :inner], threshold[tree, :inner] = column, grid[column, level]
    child = np.zeros((trees, nodes), np.int16)
    child[:, :inner] = 2 * np.arange(inner) + 1
    probability = np.zeros((trees, nodes, classes), np.float32)
    probability[:, inner:] = 1 / classes
    return Forest(feature, threshold, child, probability, len(grid), "geometric")


def _splits(
    grid: Grid, depth: int, random: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Column and level of each inner node of one tree, in the order of their numbers."""
    columns, levels = grid.shape
    low, high = np.zeros((1, columns), np.int64), np.full((1, columns), levels)
    column, level = [], []
    for _ in range(depth):
        here = np.arange(len(low))
        cut = np.where(high > low, random.random(low.shape), -1.0).argmax(axis=1)
        inside = random.random(len(cut)) * (high - low)[here, cut]
        at = np.minimum(low[here, cut] + inside.astype(np.int64), levels - 1)
        column.append(cut)
        level.append(at)
        low, high = np.repeat(low, 2, axis=0), np.repeat(high, 2, axis=0)
        high[2 * here, cut] = at
        low[2 * here + 1, cut] = at + 1
    return np.concatenate(column), np.concatenate(level)
