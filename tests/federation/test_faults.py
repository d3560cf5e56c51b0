"""Faults of clients and of updates, drawn and by hand."""

import numpy as np
import pytest

from fedaffect.experiment import Experiment
from fedaffect.federation.aggregators import WeightedMean
from fedaffect.federation.algorithms.centralised import Centralised
from fedaffect.federation.algorithms.fedavg import FedAvg
from fedaffect.federation.faults import (
    NO_FAULT,
    ClientFault,
    discounted,
    draw_fault,
    pop_due,
    store_late,
    without_late,
)
from fedaffect.federation.messages.update import Update

ROUNDS, CLIENTS = 40, 50
FEDAVG = FedAvg({})


def under(**conditions):
    return Experiment.from_table({"conditions": conditions}, "test")


def faults(**conditions):
    experiment = under(**conditions)
    return [draw_fault(FEDAVG, experiment, r, c) for r in range(ROUNDS) for c in range(CLIENTS)]


def test_without_conditions_nothing_befalls():
    assert set(faults()) == set(faults(missing_clients=1, label_noise=0.5)) == {NO_FAULT}


def test_where_all_data_lie_in_one_place_there_is_no_way_to_get_lost():
    experiment = under(stragglers=1, drop_out=0.9, lost=0.9, late=0.9)
    assert {draw_fault(Centralised({}), experiment, r, 0) for r in range(9)} == {NO_FAULT}


@pytest.mark.parametrize(
    ("name", "event_of"),
    [
        ("stragglers", lambda f: f.completed_fraction < 1),
        ("drop_out", lambda f: f.drops_out),
        ("lost", lambda f: f.lost),
        ("late", lambda f: f.delay > 0),
    ],
)
def test_each_is_as_frequent_as_asked_for_and_nested(name, event_of):
    many, few = ([event_of(f) for f in faults(**{name: p})] for p in (0.6, 0.2))
    assert np.mean(many) == pytest.approx(0.6, abs=0.04)
    assert np.mean(few) == pytest.approx(0.2, abs=0.04)
    assert all(m for m, f in zip(many, few, strict=True) if f)
    others = {"stragglers": 0.5, "drop_out": 0.5, "lost": 0.5, "late": 0.5, name: 0.6}
    assert [event_of(f) for f in faults(**others)] == many


def test_a_straggler_has_time_for_any_part_of_its_steps():
    work = np.array([f.completed_fraction for f in faults(stragglers=1)])
    assert (work > 0).all()
    np.testing.assert_allclose(np.quantile(work, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.04)


def test_an_update_misses_each_round_with_the_same_probability():
    delays = np.array([f.delay for f in faults(late=0.5)])
    for rounds, data in enumerate([1, 0.5, 0.25, 0.125]):
        assert np.mean(delays >= rounds) == pytest.approx(data, abs=0.03)


def test_what_is_recorded():
    assert NO_FAULT.recorded == {}
    assert ClientFault(completed_fraction=0.25, delay=2).recorded == {"work": 0.25, "late": 2}
    assert ClientFault(lost=True, delay=2).recorded == {"lost": True}


# --- late updates --------------------------------------------------------------------------------


def update(value, **parts):
    return Update({"model/w": np.array([value], np.float32)}, **parts)


def mean(updates):
    return float(WeightedMean().reduce(updates).tensors["model/w"][0])


def test_late_updates_wait_in_the_state_and_come_the_longest_awaited_first():
    model = {"model/w": np.zeros(1, np.float32)}
    sent = [(5, 1, 4), (0, 2, 3), (3, 2, 3), (1, 2, 6)]  # client, sent in, due in
    state = dict(model)
    for client, at, due in sent:
        state |= store_late(update(client, scalars={"loss": 0.5}), client, at, due)
    assert all(name.startswith("server/") for name in state.keys() - model.keys())
    assert without_late(state) == model
    here, waiting = pop_due(state, 2, 1.0)
    assert (here, len(waiting)) == ([], 4)
    here, waiting = pop_due(state, 4, 1.0)
    assert [float(u.tensors["model/w"][0]) for u in here] == [0, 3, 5]
    assert here[0].scalars == {"loss": 0.5}
    assert pop_due({**model, **waiting}, 6, 1.0)[1] == {}


def test_a_late_update_weighs_less_for_each_round():
    """(30 · 1 + 0.5² · 20 · 4) / (30 + 0.25 · 20) = 50 / 35."""
    state = store_late(update(4, weights={"model": 20}), client=0, sent=3, due=4)
    (late,), _ = pop_due(state, 5, 0.5)
    assert mean([update(1, weights={"model": 30}), late]) == pytest.approx(50 / 35)


def test_a_weight_that_was_not_given_and_one_to_fall_back_on_are_discounted_too():
    assert mean([update(0), discounted(update(3), 0.5)]) == pytest.approx(1.5 / 1.5)
    zero = {"weights": {"model": 0.0}}
    fallback = [
        update(0, **zero, fallback={"model": 1.0}),
        update(3, **zero, fallback={"model": 1.0}),
    ]
    assert mean([fallback[0], discounted(fallback[1], 0.5)]) == pytest.approx(1.5 / 1.5)
