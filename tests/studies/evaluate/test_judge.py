from pathlib import Path

import numpy as np

from fedaffect.studies.evaluate import judge as module
from fedaffect.studies.evaluate.judge import blocks, judge


def test_predictions_by_hand(task, asked):
    found = judge(Path(), "model", task, "cpu", False)
    np.testing.assert_allclose(found.outputs.probability[0], [3 / 9, 2 / 9, 4 / 9], rtol=1e-6)
    np.testing.assert_allclose(found.outputs.probability[1], [2 / 3, 1 / 3, 0], rtol=1e-6)
    assert found.outputs.item.tolist() == [0, 1, 2, 3, 4, 5]
    # Rows true, columns estimated: fun, rest, stress.
    assert found.evaluation.total.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert found.evaluation.confusion.shape == (2, 3, 3)  # of c nothing counts
    assert found.elsewhere == 1  # sad


def test_few_items_at_once_and_the_same_predictions(task, asked, monkeypatch):
    whole = judge(Path(), "model", task, "cpu", False)
    monkeypatch.setattr(module, "AT_ONCE", 3)
    items = list[int]()
    parts = judge(Path(), "model", task, "cpu", False, items.append)
    assert asked == [("a", "b", "c"), ("a",), ("b",), ("c",)]
    assert items == [2, 2, 2]
    np.testing.assert_array_equal(parts.outputs.probability, whole.outputs.probability)
    np.testing.assert_array_equal(parts.evaluation.confusion, whole.evaluation.confusion)


def test_conversations_stay_whole(make_corpus, monkeypatch):
    corpus = make_corpus(conversations=5, turns=4)
    monkeypatch.setattr(module, "AT_ONCE", 8)
    found = [block.tolist() for block in blocks(corpus, np.array([0, 2, 3, 4]))]
    assert found == [[0, 2], [3, 4]]
    monkeypatch.setattr(module, "AT_ONCE", 3)
    assert [block.tolist() for block in blocks(corpus, np.array([1, 2]))] == [[1], [2]]
