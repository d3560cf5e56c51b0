"""From one set of classes to another."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.corpus.classes import ClassMap
from fedaffect.errors import UserError
from fedaffect.schema import UNLABELLED

FACES, BODIES = ("angry", "fear", "happy", "neutral", "sad"), ("amusement", "baseline", "stress")
NAMES = {"happy": "amusement", "neutral": "baseline", "angry": "stress", "fear": "stress"}


def test_labels_by_name():
    found = ClassMap.of(FACES, BODIES, NAMES).labels(np.array([0, 1, 2, 3, 4, UNLABELLED]))
    assert found.tolist() == [2, 2, 0, 1, UNLABELLED, UNLABELLED]
    assert found.dtype == np.int64


def test_probabilities_given_that_it_is_one_of_those_kept():
    """Sad has half of it; of the other half angry and fear have .3, happy .2, neutral none."""
    found = ClassMap.of(FACES, BODIES, NAMES).probabilities(np.array([[0.1, 0.2, 0.2, 0.0, 0.5]]))
    np.testing.assert_allclose(found, [[0.4, 0.0, 0.6]])


def test_where_nothing_is_left_all_classes_that_can_be_are_alike():
    sad = np.array([[0.0, 0, 0, 0, 1]])
    np.testing.assert_allclose(ClassMap.of(FACES, BODIES, NAMES).probabilities(sad), 1 / 3)
    fewer = ClassMap.of(FACES, BODIES, {"happy": "amusement", "angry": "stress"})
    np.testing.assert_allclose(fewer.probabilities(sad), [[0.5, 0, 0.5]])


@given(st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_they_stay_probabilities_and_the_likeliest_one_to_one_stays(seed):
    random = np.random.default_rng(seed)
    probability = random.dirichlet(np.ones(5), size=9)
    found = ClassMap.of(FACES, BODIES, NAMES).probabilities(probability)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    order = random.permutation(5)
    turned = ClassMap.of(FACES, [FACES[i] for i in order], {c: c for c in FACES})
    np.testing.assert_allclose(turned.probabilities(probability), probability[:, order])


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        ({"glad": "amusement"}, "`glad` is no class to map from"),
        ({"happy": "joy"}, "`joy` is no class to map to"),
        ({}, "nothing is mapped"),
    ],
)
def test_names_that_are_no_classes(names, complaint):
    with pytest.raises(UserError, match=complaint):
        ClassMap.of(FACES, BODIES, names)
