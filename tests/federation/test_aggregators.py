"""Weighted means by name."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.federation.aggregators import CollectingMean, WeightedMean
from fedaffect.federation.messages.update import Update


def reduce(*updates):
    return WeightedMean().reduce(iter(updates))


def vector(*values):
    return np.array(values, np.float32)


def test_mean_by_weight():
    found = reduce(
        Update({"model/w": vector(1, 0)}, {"model": 1.0}),
        Update({"model/w": vector(5, 4)}, {"model": 3.0}),
    )
    np.testing.assert_array_equal(found.tensors["model/w"], [4, 3])
    assert found.updates == 2


def test_every_name_has_weights_of_its_own():
    found = reduce(
        Update({"p/0": vector(0), "p/1": vector(0)}, {"p/0": 1.0, "p/1": 3.0}),
        Update({"p/0": vector(4), "p/1": vector(4)}, {"p/0": 3.0, "p/1": 1.0}),
    )
    assert (found.tensors["p/0"][0], found.tensors["p/1"][0]) == (3, 1)


def test_without_a_weight_an_update_counts_once():
    found = reduce(Update({"a": vector(1)}), Update({"a": vector(2)}, {"a": 1.0}))
    assert found.tensors["a"][0] == 1.5


def test_a_name_that_some_lack_is_the_mean_of_those_who_sent_it():
    found = reduce(Update({"a": vector(1)}), Update({"a": vector(3), "b": vector(7)}), Update())
    assert {n: float(a[0]) for n, a in found.tensors.items()} == {"a": 2, "b": 7}
    assert found.updates == 3


def test_fallback_where_all_weights_are_zero_and_only_there():
    a = Update({"p/0": vector(1), "p/1": vector(1)}, {"p/0": 0.0, "p/1": 0.0}, {"p": 1.0})
    b = Update({"p/0": vector(5), "p/1": vector(5)}, {"p/0": 0.0, "p/1": 2.0}, {"p": 3.0})
    found = reduce(a, b)
    assert found.tensors["p/0"][0] == 4  # (1·1 + 3·5) / 4
    assert found.tensors["p/1"][0] == 5  # only b counts; the fallback is not asked


def test_no_weight_and_no_fallback_leaves_the_name_out():
    assert reduce(Update({"a": vector(1)}, {"a": 0.0})).tensors == {}


def test_the_dtype_stays_and_sums_are_made_in_float64():
    tiny = 2.0**-24
    found = reduce(*[Update({"a": vector(1)})] + [Update({"a": vector(1 + 2 * tiny)})] * 3)
    assert found.tensors["a"].dtype == np.float32
    assert found.tensors["a"][0] == np.float32(1 + 1.5 * tiny)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 20])
def test_equal_updates_come_back_to_the_bit(count):
    """What makes FedAvg with one client, or with equal ones, exactly a single training."""
    array = np.random.default_rng(0).normal(size=100).astype(np.float32)
    found = reduce(*[Update({"model/w": array}, {"model": 147}) for _ in range(count)])
    assert found.tensors["model/w"].tobytes() == array.tobytes()


@given(
    st.lists(
        st.tuples(st.floats(-10, 10, width=32), st.just(0.0) | st.floats(1e-6, 100)),
        min_size=1,
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
@settings(deadline=None)
def test_a_mean_lies_between_and_does_not_know_the_order(pairs, random):
    updates = [Update({"a": vector(x)}, {"a": w}, {"a": 1.0}) for x, w in pairs]
    value = reduce(*updates).tensors["a"][0]
    counted = [x for x, w in pairs if w > 0] or [x for x, _ in pairs]
    assert min(counted) - 1e-5 <= value <= max(counted) + 1e-5
    random.shuffle(updates)
    assert reduce(*updates).tensors["a"][0] == pytest.approx(value, rel=1e-6, abs=1e-6)


# --- what single clients sent --------------------------------------------------------------------


def gather(most, *values):
    updates = [Update({"p/0": vector(v), "other": vector(v)}, {"p": 1.0 + v}) for v in values]
    return CollectingMean("p", most).reduce(iter(updates))


def test_each_array_is_kept_beside_the_mean_in_the_order_of_the_clients():
    found = gather(3, 3, 1)
    assert found.tensors["per_client/p/0"].tolist() == [[3], [1]]
    assert found.tensors["p/0"][0] == (4 * 3 + 2 * 1) / 6
    assert found.tensors.keys() == {"per_client/p/0", "p/0", "other"}
    assert found.updates == 2
    assert CollectingMean("p", 3).needs == "updates"


def test_a_prefix_ends_with_a_path_segment():
    found = CollectingMean("p", 3).reduce([Update({"pp/0": vector(1), "p": vector(1)})])
    assert found.tensors.keys() == {"pp/0", "p"}


def test_of_very_many_a_sample_is_kept_whatever_their_order():
    values = np.random.default_rng(0).permutation(200)
    kept = [
        gather(20, *order).tensors["per_client/p/0"].ravel() for order in (values, sorted(values))
    ]
    assert sorted(kept[0]) == list(kept[1])
    assert len(kept[1]) == 20
    assert 60 < kept[1].mean() < 140  # not the first, nor the last
    assert list(kept[0]) == [v for v in values if v in kept[1]]


def test_equal_arrays_are_kept_as_often_as_they_came():
    assert gather(3, 5, 5).tensors["per_client/p/0"].tolist() == [[5], [5]]
    assert len(gather(2, 5, 5, 5).tensors["per_client/p/0"]) == 2
