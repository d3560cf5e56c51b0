"""Grown trees, and what is left of them for strangers to see."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from fedaffect.learning.forest.bagging import FEWEST, grow
from fedaffect.learning.forest.random_splits import standard_grid

GRID = standard_grid(3, 15)


def items(n=120, seed=0):
    random = np.random.default_rng(seed)
    label = random.integers(0, 3, n)
    rows = random.normal(size=(n, 3)).astype(np.float32)
    rows[np.arange(n), label] += 2
    return rows, label


def grown(rows, label, **changes):
    chosen = {"trees": 8, "depth": 5, "leaf": FEWEST, "seed": 3, **changes}
    return grow(rows, label, 3, GRID, **chosen)


def test_as_scikit_learn_predicts():
    rows, label = items()
    new, _ = items(seed=1)
    cells = [np.searchsorted(g, x) for g, x in zip(GRID, rows.T, strict=True)]
    peer = RandomForestClassifier(8, max_depth=5, min_samples_leaf=FEWEST, random_state=3)
    peer.fit(np.stack(cells, axis=1), label)
    seen = np.stack([np.searchsorted(g, x) for g, x in zip(GRID, new.T, strict=True)], axis=1)
    forest = grown(rows, label)
    np.testing.assert_allclose(forest.predict(new), peer.predict_proba(seen), atol=1e-6)
    for tree, estimator in enumerate(peer.estimators_):  # leaf by leaf, not only on the whole
        same = len(np.unique(forest.leaves(new)[:, tree])) == len(np.unique(estimator.apply(seen)))
        assert same


def test_thresholds_are_on_the_grid():
    forest = grown(*items())
    inner = forest.child > 0
    assert inner.sum() > 20
    for column in range(3):
        assert set(forest.threshold[inner & (forest.feature == column)]) <= set(GRID[column])


def test_leaves_hold_no_fewer_items_than_asked():
    rows, label = items()
    forest = grown(rows, label, leaf=9)
    for leaf in forest.leaves(rows).T:
        assert np.unique(leaf, return_counts=True)[1].min() >= 9


def test_it_is_as_deep_as_allowed_and_no_deeper():
    assert grown(*items(), depth=2).depth == 2


def test_the_same_seed_grows_the_same():
    """Seeds are of 63 bits, scikit-learn's of 32."""
    new, _ = items(seed=1)
    first, again, other = (grown(*items(), seed=s).predict(new) for s in (2**40, 2**40, 2**62 + 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("n", [0, FEWEST - 1])
def test_too_few_items_grow_nothing(n):
    rows, label = items()
    assert grown(rows[:n], label[:n]) is None


def test_few_items_are_a_leaf():
    rows, label = items()
    forest = grown(rows[:FEWEST], label[:FEWEST])
    assert (forest.child.shape, forest.depth) == ((8, 1), 0)


def test_classes_that_a_client_lacks_have_probability_zero():
    rows, label = items()
    some = label != 1
    found = grown(rows[some], label[some]).predict(rows)
    np.testing.assert_array_equal(found[:, 1], 0)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
