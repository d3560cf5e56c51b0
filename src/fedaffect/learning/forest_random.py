"""Totally random trees: splits that nobody's data chose, leaves that only need to be counted.

Which column a node looks at, and where it cuts, follows from a public seed and public ranges alone (Geurts,
Ernst, Wehenkel 2006: K = 1, here with thresholds from a grid). So all that has to be learnt from people is
how many items of each class end in each leaf: sums of one-hots, in which clients simply add up.
"""

from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from fedaffect.inference.forest import Forest
from fedaffect.randomness import generator

Grid = npt.NDArray[np.float32]
"""[columns, levels], increasing: the only thresholds that a tree may have."""
Counts = npt.NDArray[np.int32]
Totals = npt.NDArray[np.float64]


def standard_grid(columns: int, levels: int) -> Grid:
    """Quantiles of the standard normal distribution, for columns of mean 0 and variance 1."""
    quantiles = [NormalDist().inv_cdf((i + 1) / (levels + 1)) for i in range(levels)]
    return np.tile(np.array(quantiles, np.float32), (columns, 1))


def even_grid(ranges: Sequence[tuple[float, float]], levels: int) -> Grid:
    """Evenly spaced inside each column's public range (low, high)."""
    low, high = np.array(ranges, np.float64).T[..., None]
    grid: Grid = (low + (high - low) * np.arange(1, levels + 1) / (levels + 1)).astype(np.float32)
    return grid


def random_trees(grid: Grid, trees: int, depth: int, classes: int, seed: int) -> Forest:
    """Complete trees of that depth, their leaves undecided, pooled geometrically.

    Node i has the children 2i + 1 and 2i + 2. A node cuts a column drawn among those that the cuts above left
    two cells of, at a level drawn among those inside; where no column is left, it sends all one way.
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


def leaf_counts(
    forest: Forest, rows: npt.NDArray[np.float32], label: npt.NDArray[np.int64]
) -> Counts:
    """int32 [trees, leaves, classes]: the sum over items of the one-hots of their leaves.

    One item more or less changes one number a tree, by one: the L1 sensitivity is `trees`, L2's its root.

    Args:
        forest: of `random_trees`.
        rows, label: [n, columns] and [n].
    """
    leaves = (forest.child.shape[1] + 1) // 2
    counts = np.zeros((forest.trees, leaves, forest.classes), np.int32)
    if len(rows):
        leaf = forest.leaves(rows) - (leaves - 1)
        np.add.at(counts, (np.arange(forest.trees), leaf, label[:, None]), 1)
    return counts


def with_counts(forest: Forest, counts: Totals, smoothing: float, sharpness: float) -> Forest:
    """The forest whose leaves say what was counted in them.

    From the root down a node's frequencies are drawn to its parent's, the root's to uniform, by an m-estimate
    with m = `smoothing` (after the m-branch of Ferri, Flach, Hernández-Orallo 2003), so that an empty leaf
    says what its neighbourhood does. A leaf's evidence, p(class) / prior(class), is then raised to
    `sharpness`. Pooled geometrically, that counts all trees as so many independent ones: 1 takes them for
    copies of one another, as many as there are trees is naive Bayes.

    Args:
        counts: [trees, leaves, classes], summed over clients; noise may have made some negative.
        smoothing: positive.
    """
    kept = np.maximum(counts, 0.0)
    trees, leaves, classes = kept.shape
    levels = [kept]
    while levels[0].shape[1] > 1:
        levels.insert(0, levels[0].reshape(trees, -1, 2, classes).sum(axis=2))
    said = np.full((trees, 1, classes), 1 / classes)
    for level in levels:
        above = np.repeat(said, level.shape[1] // said.shape[1], axis=1)
        weight = level.sum(axis=-1, keepdims=True) + smoothing
        said = (level + smoothing * above) / weight
        if level is levels[0]:
            prior = said
    evidence = sharpness * (np.log(said) - np.log(prior)) + np.log(prior)
    sharp = np.exp(evidence - evidence.max(axis=-1, keepdims=True))
    probability = forest.probability.copy()
    probability[:, leaves - 1 :] = sharp / sharp.sum(axis=-1, keepdims=True)
    return replace(forest, probability=probability)


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
