"""The methods that the study of forests compares: each trains models on several people's windows."""

from collections.abc import Callable, Iterator
from math import ceil, sqrt

import numpy as np
import numpy.typing as npt

from fedaffect.inference.forest import Forest, joined
from fedaffect.learning.forest.bagging import FEWEST, grow
from fedaffect.learning.forest.counts import Totals, leaf_counts, undecided, with_counts
from fedaffect.learning.forest.random_splits import random_trees, standard_grid
from fedaffect.randomness import generator, seed_for
from research.wesad.windows import Rows, Windows

SUBJECTS = 15
TREES, DEPTH, LEVELS, SMOOTHING, SHARPNESS = 200, 6, 31, 1.0, 4.0
OF_EACH = ceil(TREES / (SUBJECTS - 1))
POOLED = ("pooled, scikit-learn's defaults", "pooled, grown as clients do")

Predict = Callable[[Rows], npt.NDArray[np.floating]]
Method = Callable[[Windows, int, int], list[Predict]]
"""(training windows, scaled; classes; seed) -> one model, or one a client."""


def majority(train: Windows, classes: int, seed: int) -> list[Predict]:
    share = np.bincount(train.label, minlength=classes) / len(train.label)
    return [lambda rows: np.tile(share, (len(rows), 1))]


def pooled(train: Windows, classes: int, seed: int) -> list[Predict]:
    """All windows together, scikit-learn with its defaults."""
    from sklearn.ensemble import RandomForestClassifier

    return [RandomForestClassifier(random_state=seed).fit(train.rows, train.label).predict_proba]


def pooled_as_clients(train: Windows, classes: int, seed: int) -> list[Predict]:
    """All windows together, trees as clients grow them."""
    return [grown(train, classes, TREES, seed).predict]


def local(train: Windows, classes: int, seed: int) -> list[Predict]:
    """A model for each client, of the trees that it sends in `bagging`."""
    return [forest.predict for forest in of_clients(train, classes, OF_EACH, seed)]


def bagging(train: Windows, classes: int, seed: int, trees: int = OF_EACH) -> list[Predict]:
    """`trees` of each client; leaf counts are sums over all clients."""
    forest = undecided(joined(list(of_clients(train, classes, trees, seed))))
    return [with_counts(forest, counted(forest, train), SMOOTHING, SHARPNESS).predict]


def trees_alone(train: Windows, classes: int, seed: int) -> list[Predict]:
    """The trees of all clients with their own leaf counts: bagging in one round."""
    return [joined(list(of_clients(train, classes, OF_EACH, seed))).predict]


def private(
    train: Windows,
    classes: int,
    seed: int,
    trees: int = TREES,
    depth: int = DEPTH,
    noise: float = 0.0,
) -> list[Predict]:
    """Sums of leaf one-hots over clients; on each number noise with a deviation of `noise` · √trees."""
    forest = splits(train, classes, seed, trees, depth)
    total = counted(forest, train, depth)
    if noise:
        total += generator(seed, "noise").normal(scale=noise * sqrt(trees), size=total.shape)
    return [with_counts(forest, total, SMOOTHING, SHARPNESS).predict]


METHODS: dict[str, Method] = {
    "majority class": majority,
    "local only (mean of 14)": local,
    POOLED[0]: pooled,
    POOLED[1]: pooled_as_clients,
    "trees of all, not counted in": trees_alone,
    "`bagging`": bagging,
    "`private`": private,
}


def splits(train: Windows, classes: int, seed: int, trees: int, depth: int) -> Forest:
    """Trees with random splits, which do not depend on data."""
    grid = standard_grid(train.rows.shape[1], LEVELS)
    return random_trees(grid, trees, depth, classes, seed_for(seed, "random trees"))


def counted(forest: Forest, train: Windows, depth: int = DEPTH) -> Totals:
    """Leaf counts, summed over clients."""
    total = np.zeros((forest.trees, 2**depth, forest.classes))
    for own in train.by_person():
        total += leaf_counts(forest, own.rows, own.label, 2**depth)
    return total


def of_clients(train: Windows, classes: int, trees: int, seed: int) -> Iterator[Forest]:
    """The forest of each client."""
    for own in train.by_person():
        yield grown(own, classes, trees, seed_for(seed, "trees", int(own.subject[0])))


def grown(own: Windows, classes: int, trees: int, seed: int) -> Forest:
    grid = standard_grid(own.rows.shape[1], LEVELS)
    forest = grow(
        own.rows, own.label, classes, grid, trees=trees, depth=DEPTH, leaf=FEWEST, seed=seed
    )
    assert forest is not None
    return forest
