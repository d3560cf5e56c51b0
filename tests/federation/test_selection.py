"""Who takes part in a round."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.experiment import Clients
from fedaffect.federation.selection import select

VOLUMES = np.array([5, 9, 9, 1, 9, 2])


def chosen(volumes=VOLUMES, seed=0, number=1, **clients):
    return select(Clients(**clients), np.asarray(volumes), seed, number).chosen


def test_everybody_by_default():
    cohort = select(Clients(), VOLUMES, 0, 1)
    assert cohort.chosen == (0, 1, 2, 3, 4, 5)
    assert cohort.offline == ()


def test_top_volume_takes_the_largest():
    assert chosen(rule="top_volume", fraction=0.5) == (1, 2, 4)


def test_top_volume_breaks_ties_by_index():
    assert chosen(rule="top_volume", fraction=0.3) == (1, 2)
    assert chosen([3, 3, 3, 3], rule="top_volume", fraction=0.5) == (0, 1)


def test_top_volume_looks_only_at_those_online():
    for number in range(20):
        settings_ = Clients(rule="top_volume", fraction=0.5, availability="bernoulli(0.5)")
        cohort = select(settings_, VOLUMES, 0, number)
        online = [i for i in range(6) if i not in cohort.offline]
        ranked = sorted(online, key=lambda i: (-VOLUMES[i], i))
        assert cohort.chosen == tuple(sorted(ranked[: -(-len(online) // 2)]))


@pytest.mark.parametrize("rule", ["uniform", "volume", "top_volume"])
def test_who_has_nothing_to_learn_from_is_never_chosen(rule):
    for number in range(20):
        assert 1 not in chosen([4, 0, 4, 4], number=number, rule=rule, fraction=0.5)
    assert chosen([0, 0], rule=rule) == ()


@pytest.mark.parametrize(
    ("fraction", "clients", "size"),
    [(0.55, 20, 11), (0.07, 100, 7), (0.5, 20, 10), (0.5, 5, 3), (0.01, 20, 1), (1.0, 20, 20)],
)
def test_a_fraction_is_rounded_up_but_not_beyond_what_it_says(fraction, clients, size):
    """0.07 · 100 is 7.000000000000001 in floating point; that is seven clients, not eight."""
    assert len(chosen(np.ones(clients, np.int64), rule="uniform", fraction=fraction)) == size


def test_draws_are_keyed_by_round_and_seed():
    settings_ = Clients(fraction=0.5, availability="bernoulli(0.7)")
    many = np.ones(30, np.int64)
    first = [select(settings_, many, 0, r) for r in range(1, 6)]
    assert first == [select(settings_, many, 0, r) for r in range(1, 6)]
    assert select(settings_, many, 0, 4) == first[3]  # whatever was drawn before
    assert len({c.offline for c in first}) == 5
    assert select(settings_, many, 1, 1) != first[0]


def test_availability_is_a_probability():
    online = [
        30 - len(select(Clients(availability="bernoulli(0.2)"), np.ones(30, int), 0, r).offline)
        for r in range(200)
    ]
    assert 0.17 < np.mean(online) / 30 < 0.23


def test_volume_prefers_the_large_and_uniform_does_not():
    volumes = np.array([1, 1, 1, 97])
    for rule, low, high in (("volume", 0.9, 1.0), ("uniform", 0.15, 0.35)):
        times = [3 in chosen(volumes, number=r, rule=rule, fraction=0.25) for r in range(300)]
        assert low < np.mean(times) <= high


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=30),
    st.sampled_from(["uniform", "volume", "top_volume"]),
    st.floats(0.01, 1),
    st.floats(0.05, 1),
    st.integers(0, 1000),
)
@settings(deadline=None)
def test_a_cohort_is_sound(volumes, rule, fraction, online, number):
    table = Clients(rule=rule, fraction=fraction, availability=f"bernoulli({online:.3f})")
    cohort = select(table, np.array(volumes), 0, number)
    assert list(cohort.chosen) == sorted(set(cohort.chosen))
    assert not set(cohort.chosen) & set(cohort.offline)
    assert all(volumes[i] for i in cohort.chosen)
    able = [i for i, v in enumerate(volumes) if v and i not in cohort.offline]
    assert bool(cohort.chosen) == bool(able)
