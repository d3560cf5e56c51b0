"""Random numbers of a batch, each item with its own."""

import numpy as np

from fedaffect.corpus.corruption.item_random import ItemRandom


def test_an_item_draws_the_same_in_any_batch():
    whole = ItemRandom(0, np.array([4, 7, 9]), "a").uniform(0, 1, 2)
    part = ItemRandom(0, np.array([9, 4]), "a").uniform(0, 1, 2)
    np.testing.assert_array_equal(part, whole[[2, 0]])
    assert len(np.unique(whole)) == 6
    assert whole.dtype == np.float32


def test_the_seed_and_the_purpose_decide():
    item = np.arange(3)
    one = ItemRandom(0, item, "a").normal(4)
    np.testing.assert_array_equal(one, ItemRandom(0, item, "a").normal(4))
    for other in (ItemRandom(1, item, "a"), ItemRandom(0, item, "b")):
        assert not np.array_equal(one, other.normal(4))


def test_draws_follow_each_other():
    random = ItemRandom(0, np.arange(500), "a")
    first, second = random.uniform(-2, 3), random.uniform(-2, 3)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.15
    assert first.min() >= -2
    assert first.max() <= 3
    assert set(random.sign().tolist()) == {-1, 1}
