"""What the leaves of a forest say, from counts alone: sums of one-hots, in which clients simply add up."""

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
    """int32 [trees, leaves, classes]: the sum over items of the one-hots of their leaves.

    A tree's leaves are numbered in the order of nodes. One item more or less changes one number a tree, by
    one: the L1 sensitivity is the number of trees, L2's its root.

    Args:
        rows, label: [n, columns] and [n].
        leaves: as many as any tree has, or more; numbers beyond a tree's own stay 0.
    """
    counts = np.zeros((forest.trees, leaves, forest.classes), np.int32)
    if len(rows):
        tree = np.arange(forest.trees)
        number = _number(forest)[tree, forest.leaves(rows)]
        np.add.at(counts, (tree, number, label[:, None]), 1)
    return counts


def undecided(forest: Forest) -> Forest:
    """The same splits, with leaves that say nothing; to be pooled geometrically once they do."""
    blank = np.where(forest.is_leaf[..., None], 1 / forest.classes, 0).astype(np.float32)
    probability = np.broadcast_to(blank, forest.probability.shape).copy()
    return replace(forest, probability=probability, pool="geometric")


def with_counts(forest: Forest, counts: Totals, smoothing: float, sharpness: float) -> Forest:
    """The forest whose leaves say what was counted in them.

    From the root down a node's frequencies are drawn to its parent's, the root's to uniform, by an m-estimate
    with m = `smoothing` (after the m-branch of Ferri, Flach, Hernández-Orallo 2003), so that an empty leaf
    says what its neighbourhood does. A leaf's evidence, p(class) / prior(class), is then raised to
    `sharpness`. Pooled geometrically, that counts all trees as so many independent ones: 1 takes them for
    copies of one another, as many as there are trees is naive Bayes.

    Args:
        forest: of `undecided`.
        counts: [trees, leaves, classes] of `leaf_counts`, summed over clients; noise may have made some
            negative.
        smoothing: positive.
    """
    held = np.zeros(forest.probability.shape, np.float64)
    tree, leaf = np.nonzero(forest.is_leaf)
    held[tree, leaf] = np.maximum(counts, 0)[tree, _number(forest)[tree, leaf]]
    splits = list(_splits(forest))
    for tree, node, left in reversed(splits):
        held[tree, node] = held[tree, left] + held[tree, left + 1]
    weight = held.sum(axis=-1, keepdims=True) + smoothing
    said = (held + smoothing / forest.classes) / weight
    for tree, node, left in splits:
        for child in (left, left + 1):
            drawn = held[tree, child] + smoothing * said[tree, node]
            said[tree, child] = drawn / weight[tree, child]
    prior = np.log(said[:, :1])
    evidence = prior + sharpness * (np.log(said) - prior)
    sharp = np.exp(evidence - evidence.max(axis=-1, keepdims=True))
    sharp /= sharp.sum(axis=-1, keepdims=True)
    probability = np.where(forest.is_leaf[..., None], sharp, 0).astype(np.float32)
    return replace(forest, probability=probability)


class CountedForest:
    """A forest that goes on counting, for one person: everybody's counts and its own.

    Attributes:
        weight: as how many of everybody's items one of its own counts.
    """

    def __init__(
        self, forest: Forest, counts: Totals, smoothing: float, sharpness: float, weight: float
    ) -> None:
        """The arguments of `with_counts`, and the weight."""
        self.weight = weight
        self._forest, self._counts = forest, counts.astype(np.float64)
        self._smoothing, self._sharpness = smoothing, sharpness

    def predict(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Probabilities [n, classes] of rows [n, columns]."""
        forest = with_counts(self._forest, self._counts, self._smoothing, self._sharpness)
        return forest.predict(rows)

    def learn(self, rows: npt.NDArray[np.float32], label: npt.NDArray[np.int64]) -> None:
        """Count rows [n, columns] and their labels [n]."""
        leaves = self._counts.shape[1]
        self._counts += self.weight * leaf_counts(self._forest, rows, label, leaves)


def _number(forest: Forest) -> Places:
    """int64 [trees, nodes]: of a leaf, how many of its tree's leaves stand before it."""
    number: Places = np.cumsum(forest.is_leaf, axis=1) - 1
    return number


def _splits(forest: Forest) -> Iterator[tuple[Places, Places, Places]]:
    """Inner nodes, level by level from the roots: their trees, themselves, their left children."""
    tree, node = np.arange(forest.trees), np.zeros(forest.trees, np.int64)
    for _ in range(forest.depth):
        left = forest.child[tree, node].astype(np.int64)
        inner = left > 0
        tree, node, left = tree[inner], node[inner], left[inner]
        yield tree, node, left
        tree, node = np.tile(tree, 2), np.concatenate([left, left + 1])
