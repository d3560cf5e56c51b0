"""Naming a class, or none."""

import numpy as np

from fedaffect.inference.abstention import UNCERTAIN, decide, named

PROBABILITY = np.array([[0.5, 0.3, 0.2], [0.1, 0.45, 0.45], [0.2, 0.2, 0.6]])


def test_without_a_threshold_the_likeliest():
    assert decide(PROBABILITY).tolist() == [0, 1, 2]
    assert decide(PROBABILITY).dtype == np.int64


def test_a_threshold_is_reached_or_not():
    assert decide(PROBABILITY, 0.5).tolist() == [0, UNCERTAIN, 2]
    assert decide(PROBABILITY, 0.50001).tolist() == [UNCERTAIN, UNCERTAIN, 2]


def test_each_class_has_its_own():
    assert decide(PROBABILITY, np.array([0.9, 0.4, 0.9])).tolist() == [UNCERTAIN, 1, UNCERTAIN]


def test_of_one_moment():
    assert decide(PROBABILITY[0], 0.6) == UNCERTAIN


def test_in_words():
    found = named(decide(PROBABILITY, 0.5), ("calm", "tense", "glad"))
    assert found == ["calm", "uncertain", "glad"]
