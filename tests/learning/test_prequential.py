"""Judged, then learnt: never the other way round."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.learning.forest.counts import CountedForest
from fedaffect.learning.forest.random_splits import random_trees, standard_grid
from fedaffect.learning.prequential import prequential


class Frequencies:
    """Says how often each class was, whatever it is asked."""

    def __init__(self):
        self.counts = np.ones(2)

    def predict(self, rows):
        return np.tile(self.counts / self.counts.sum(), (len(rows), 1))

    def learn(self, rows, label):
        np.add.at(self.counts, label, 1)


def test_by_hand():
    """Laplace's rule of succession: (k + 1) / (n + 2)."""
    rows = np.zeros((4, 1), np.float32)
    found = prequential(Frequencies(), rows, np.array([1, 1, 0, 1]))
    np.testing.assert_allclose(found[:, 1], [1 / 2, 2 / 3, 3 / 4, 3 / 5])


def counted(rows, label):
    forest = random_trees(standard_grid(3, 7), trees=4, depth=3, classes=2, seed=0)
    model = CountedForest(forest, np.zeros((4, 8, 2)), smoothing=1, sharpness=4, weight=1)
    return prequential(model, rows, label)


@given(st.integers(0, 9), st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_what_is_said_of_an_item_knows_nothing_of_its_label_nor_of_what_follows(place, seed):
    random = np.random.default_rng(seed)
    rows, label = random.normal(size=(10, 3)).astype(np.float32), random.integers(0, 2, 10)
    before = counted(rows, label)
    label[place:] = 1 - label[place:]
    rows[place + 1 :] *= -1
    np.testing.assert_array_equal(counted(rows, label)[: place + 1], before[: place + 1])


def test_what_was_learnt_tells_in_what_is_said():
    rows, label = np.ones((6, 3), np.float32), np.ones(6, np.int64)
    found = counted(rows, label)[:, 1]
    assert found[0] == 0.5
    assert (found[1:] > 0.9).all()
