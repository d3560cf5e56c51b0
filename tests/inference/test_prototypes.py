"""Class prototypes with numpy alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.inference.prototypes import (
    assign_centres,
    class_means,
    nearest_other,
    squared_distances,
    unit,
)
from fedaffect.inference.prototypes import nearest_prototype as by_distance


def nearest_prototype(*arguments, **more):
    return by_distance(squared_distances(*arguments, **more))


def table(*rows):
    return np.array(rows, np.float32)


def test_unit_rows():
    found = unit(table((3, 4), (0, 0), (0, -2)))
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0], [0, -1]], rtol=1e-6)
    assert found.dtype == np.float32


def test_class_means_by_hand():
    found = class_means(table((1, 0), (3, 2), (5, 5)), np.array([4, 4, 1]))
    assert set(found) == {1, 4}  # an empty class has no prototype, not one of zeros
    np.testing.assert_array_equal(found[4], [2, 1])
    np.testing.assert_array_equal(found[1], [5, 5])
    assert found[4].dtype == np.float32


def test_no_item_no_prototype():
    assert class_means(np.zeros((0, 3), np.float32), np.zeros(0, np.int64)) == {}


def test_means_are_made_in_float64():
    many = np.full((100_000, 1), 0.1, np.float32)
    assert class_means(many, np.zeros(100_000, np.int64))[0][0] == np.float32(0.1)


@given(st.integers(2, 7), st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_nearest_other_is_brute_force(count, seed):
    points = np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)
    found = nearest_other(dict(enumerate(points)))
    for k, own in enumerate(points):
        others = np.delete(points, k, axis=0)
        assert found[k] == pytest.approx(np.sqrt(((others - own) ** 2).sum(axis=1)).min(), rel=1e-5)


def test_nearest_other_needs_another():
    assert nearest_other({}) == {}
    assert nearest_other({3: np.zeros(2, np.float32)}) == {}
    same = np.ones(2, np.float32)
    assert nearest_other({0: same, 5: same}) == {0: 0.0, 5: 0.0}


def test_probabilities_by_hand():
    """Squared distances 1 and 4 to classes 0 and 2: e^-1 and e^-4 over their sum."""
    known = {2: table((0, 2))[0], 0: table((1, 0))[0]}
    found = nearest_prototype(table((0, 0)), known, 4)
    low = np.exp(-3) / (1 + np.exp(-3))
    np.testing.assert_allclose(found, [[1 - low, 0, low, 0]], rtol=1e-6)
    assert found.dtype == np.float32


@given(st.integers(1, 5), st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_the_largest_is_the_nearest(count, seed):
    random = np.random.default_rng(seed)
    chosen = sorted(random.choice(6, size=count, replace=False))
    known = {int(k): random.normal(size=4).astype(np.float32) for k in chosen}
    embedding = random.normal(size=(9, 4)).astype(np.float32)
    found = nearest_prototype(embedding, known, 6)
    distance = [[np.linalg.norm(x - known[k]) for k in chosen] for x in embedding]
    np.testing.assert_array_equal(
        found.argmax(axis=1), np.array(chosen)[np.argmin(distance, axis=1)]
    )
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert (np.delete(found, chosen, axis=1) == 0).all()


def test_far_away_is_still_a_probability():
    found = nearest_prototype(table((1e4, 0)), {0: table((0, 0))[0], 1: table((-1, 0))[0]}, 2)
    np.testing.assert_array_equal(found, [[1, 0]])


def test_other_centres_of_a_class_are_no_others():
    """Two classes of two centres: 0 and 1 are one class's, 2 and 3 the other's."""
    points = dict(enumerate(table((0, 0), (0, 1), (3, 0), (9, 9))))
    found = nearest_other(points, centres=2)
    assert found[0] == found[2] == 3
    assert found[1] == pytest.approx(np.sqrt(10))


def test_a_class_is_as_near_as_its_nearest_centre():
    points = dict(enumerate(table((0, 0), (0, 4), (3, 0), (9, 9))))
    squared = squared_distances(table((0, 3)), points, 3, centres=2)
    np.testing.assert_array_equal(squared, [[1, 18, np.inf]])


def test_the_first_centres_stand_in_the_same_order_for_every_client():
    """Two clumps along the shared direction: whoever looks, the first is the left one."""
    random = np.random.default_rng(0)
    axis = table((1, 0))[0]
    for _ in range(5):
        left = random.normal((-3, 0), 0.1, (random.integers(2, 9), 2))
        right = random.normal((3, 0), 0.1, (random.integers(2, 9), 2))
        both = np.concatenate([left, right])
        order = random.permutation(len(both))
        found = assign_centres(both[order], 2, {}, axis)
        np.testing.assert_array_equal(found, (np.arange(len(both)) >= len(left))[order])


def test_with_known_centres_each_goes_to_the_nearest():
    known = {0: table((0, 0))[0], 2: table((4, 0))[0]}
    found = assign_centres(table((1, 0), (3, 0), (9, 0)), 3, known, table((1, 0))[0])
    assert found.tolist() == [0, 2, 2]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_embeddings_than_centres_have_one_each(n):
    embedding = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
    assert assign_centres(embedding, 3, {}, table((1, 1))[0]).tolist() == list(range(n))
