"""Draws of a batch, each item's its own."""

import numpy as np

from fedaffect.corpus.corruption.item_random import Lots


def test_each_item_has_its_own_lot_whatever_the_batch():
    whole = Lots(0, np.array([4, 7, 9]), "a").uniform(0, 1, 2)
    part = Lots(0, np.array([9, 4]), "a").uniform(0, 1, 2)
    np.testing.assert_array_equal(part, whole[[2, 0]])
    assert len(np.unique(whole)) == 6
    assert whole.dtype == np.float32


def test_the_seed_and_the_purpose_decide():
    item = np.arange(3)
    one = Lots(0, item, "a").normal(4)
    np.testing.assert_array_equal(one, Lots(0, item, "a").normal(4))
    for other in (Lots(1, item, "a"), Lots(0, item, "b")):
        assert not np.array_equal(one, other.normal(4))


def test_draws_follow_each_other():
    lots = Lots(0, np.arange(500), "a")
    first, second = lots.uniform(-2, 3), lots.uniform(-2, 3)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.15
    assert first.min() >= -2
    assert first.max() <= 3
    assert set(lots.sign().tolist()) == {-1, 1}
