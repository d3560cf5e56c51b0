"""Trees grown with scikit-learn on one client's items, with thresholds on a public grid.

Their splits depend on the data and reveal it: "Trained Random Forests Completely Reveal your Dataset"
(Ferry et al. 2024, arXiv 2402.19232). Leaving out scikit-learn's counts, impurities and frequencies of
inner nodes makes this harder, not impossible.
"""

import numpy as np
import numpy.typing as npt

from fedaffect.inference.forest import Forest
from fedaffect.learning.forest.random_splits import Grid

FEWEST = 5
"""Least number of items in a leaf."""


def grow(
    rows: npt.NDArray[np.float32],
    label: npt.NDArray[np.int64],
    classes: int,
    grid: Grid,
    *,
    trees: int,
    depth: int,
    leaf: int,
    seed: int,
) -> Forest | None:
    """A random forest (Breiman 2001); None for fewer items than a leaf needs.

    Args:
        rows, label: [n, columns] and [n].
        leaf: least number of items in a leaf.
    """
    from sklearn.ensemble import RandomForestClassifier

    if len(rows) < leaf:
        return None
    # Grown on cells of the grid, so that no client's value can become a threshold.
    cells = np.stack(
        [np.searchsorted(levels, column) for levels, column in zip(grid, rows.T, strict=True)],
        axis=1,
    )
    grown = RandomForestClassifier(
        trees, max_depth=depth, min_samples_leaf=leaf, random_state=seed % 2**32
    ).fit(cells, label)
    parts = [_by_breadth(e.tree_.children_left, e.tree_.children_right) for e in grown.estimators_]
    nodes = max(len(order) for order, _ in parts)
    feature, child = np.zeros((2, trees, nodes), np.int16)
    threshold = np.zeros((trees, nodes), np.float32)
    probability = np.zeros((trees, nodes, classes), np.float32)
    for number, (estimator, (order, first)) in enumerate(
        zip(grown.estimators_, parts, strict=True)
    ):
        tree, node = estimator.tree_, np.arange(len(order))
        inner, ends = first > 0, first == 0
        column, cell = tree.feature[order[inner]], np.floor(tree.threshold[order[inner]])
        child[number, node] = first
        feature[number, node[inner]] = column
        threshold[number, node[inner]] = grid[column, cell.astype(np.int64)]
        probability[number, node[ends, None], grown.classes_] = tree.value[order[ends], 0]
    return Forest(feature, threshold, child, probability, len(grid))


def _by_breadth(
    left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int16]]:
    """The nodes in breadth-first order, and the position of each one's left child in it; 0 for leaves."""
    order, first = [0], []
    for node in order:  # grows during iteration
        first.append(len(order) if left[node] >= 0 else 0)
        if left[node] >= 0:
            order += [int(left[node]), int(right[node])]
    return np.array(order), np.array(first, np.int16)
