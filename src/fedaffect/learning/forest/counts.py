"""Leaf probabilities of a forest from label counts, which add up over clients."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fedaffect.inference.forest import Forest

Counts = npt.NDArray[np.int32]
Totals = npt.NDArray[np.floating]
Places = npt.NDArray[np.int64]


def leaf_counts(
    forest: Forest,
    rows: npt.NDArray[np.float32],
    label: npt.NDArray[np.int64],
    leaves: int,
) -> Counts:
    """int32 [trees, leaves, classes]: how many items of each class reach each leaf.

    Leaves are numbered in the order of nodes. One item changes one count of each tree by 1, so the L1
    sensitivity is the number of trees and the L2 sensitivity its square root.

    Args:
        rows, label: [n, columns] and [n].
        leaves: at least the number of leaves of every tree; surplus counts stay 0.
    """
    counts = np.zeros((forest.trees, leaves, forest.classes), np.int32)
    if len(rows):
        tree = np.arange(forest.trees)
        number = _number(forest)[tree, forest.leaves(rows)]
        np.add.at(counts, (tree, number, label[:, None]), 1)
    return counts


def undecided(forest: Forest) -> Forest:
    """The same splits with uniform leaves and geometric pooling, for `with_counts`."""
    uniform = np.where(forest.is_leaf[..., None], 1 / forest.classes, 0).astype(np.float32)
    probability = np.broadcast_to(uniform, forest.probability.shape).copy()
    return replace(forest, probability=probability, pool="geometric")


def with_counts(forest: Forest, counts: Totals, smoothing: float, sharpness: float) -> Forest:
    """The forest with the leaf probabilities of these counts.

    The frequencies of a node are smoothed towards its parent's, those of the root towards uniform, by an
    m-estimate with m = `smoothing` (after the m-branch of Ferri, Flach, Hernández-Orallo 2003). A leaf's
    likelihood ratio p(class) / prior(class) is then raised to `sharpness`. In geometric pooling, a
    sharpness of 1 treats the trees as copies of one tree; a sharpness of the number of trees as independent
    (naive Bayes).

    Args:
        forest: returned by `undecided`.
        counts: [trees, leaves, classes] of `leaf_counts`, summed over clients; noise may make some negative.
        smoothing: positive.
    """
    items = np.zeros(forest.probability.shape, np.float64)
    tree, leaf = np.nonzero(forest.is_leaf)
    items[tree, leaf] = np.maximum(counts, 0)[tree, _number(forest)[tree, leaf]]
    splits = list(_splits(forest))
    for tree, node, left in reversed(splits):
        items[tree, node] = items[tree, left] + items[tree, left + 1]
    weight = items.sum(axis=-1, keepdims=True) + smoothing
    frequency = (items + smoothing / forest.classes) / weight
    for tree, node, left in splits:
        for child in (left, left + 1):
            smoothed = items[tree, child] + smoothing * frequency[tree, node]
            frequency[tree, child] = smoothed / weight[tree, child]
    prior = np.log(frequency[:, :1])
    evidence = prior + sharpness * (np.log(frequency) - prior)
    sharp = np.exp(evidence - evidence.max(axis=-1, keepdims=True))
    sharp /= sharp.sum(axis=-1, keepdims=True)
    probability = np.where(forest.is_leaf[..., None], sharp, 0).astype(np.float32)
    return replace(forest, probability=probability)


class CountedForest:
    """A forest that is personalised online: global counts plus weighted counts of one person's items.

    Attributes:
        weight: of one of the person's items.
    """

    def __init__(
        self, forest: Forest, counts: Totals, smoothing: float, sharpness: float, weight: float
    ) -> None:
        """See `with_counts`; `weight` as above."""
        self.weight = weight
        self._forest, self._counts = forest, counts.astype(np.float64)
        self._smoothing, self._sharpness = smoothing, sharpness

    def predict(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Probabilities [n, classes] of rows [n, columns]."""
        forest = with_counts(self._forest, self._counts, self._smoothing, self._sharpness)
        return forest.predict(rows)

    def learn(self, rows: npt.NDArray[np.float32], label: npt.NDArray[np.int64]) -> None:
        """Add rows [n, columns] with labels [n] to the counts."""
        leaves = self._counts.shape[1]
        self._counts += self.weight * leaf_counts(self._forest, rows, label, leaves)


def _number(forest: Forest) -> Places:
    """int64 [trees, nodes]: the number of a leaf among the leaves of its tree."""
    number: Places = np.cumsum(forest.is_leaf, axis=1) - 1
    return number


def _splits(forest: Forest) -> Iterator[tuple[Places, Places, Places]]:
    """Inner nodes level by level from the roots: their trees, their numbers, their left children."""
    tree, node = np.arange(forest.trees), np.zeros(forest.trees, np.int64)
    for _ in range(forest.depth):
        left = forest.child[tree, node].astype(np.int64)
        inner = left > 0
        tree, node, left = tree[inner], node[inner], left[inner]
        yield tree, node, left
        tree, node = np.tile(tree, 2), np.concatenate([left, left + 1])
