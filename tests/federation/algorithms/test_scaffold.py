"""SCAFFOLD by hand; before there are variates it is FedAvg to the bit."""

import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.federation.algorithms.fedavg import FedAvg
from fedaffect.federation.algorithms.scaffold import Scaffold

from .quadratic import PLAIN, Bowl, federation, w
from .test_fedavg import bits

TWO_STEPS = [*PLAIN, "training.local_epochs=2"]
SGD = ("training.optimiser=sgd", "training.learning_rate=0.05")


def variate(tensors):
    return float(tensors["variate/w"][0])


@pytest.fixture
def two():
    """Of gradients y - 4 and (y + 8) / 2, whose sum is 0 at y = 0; the volumes must not matter."""
    return federation(Bowl(1, 4, volume=5), Bowl(0.5, -8), settings=TWO_STEPS)


def test_two_rounds_by_hand(two):
    """Rate 0.5, two steps, so that w - y is once the mean gradient.

    Round 1 from w = 0, all variates 0: y_0 = 0 → 2 → 3, c_0 = -3; y_1 = 0 → -2 → -3.5, c_1 = 3.5.
    Round 2 from w = -0.25 with c = 0.25:
    client 0 goes along g + 3.25: y = -0.25 → 0.25 → 0.5; its own gradients were -4.25 and -3.75.
    client 1 along g - 3.25: y = -0.25 → -0.5625 → -0.796875; they were 3.875 and 3.71875.
    """
    state = two.play(Scaffold({}))
    assert (w(state), variate(state)) == (-0.25, 0.25)
    assert [variate(two.memories[i]) for i in (0, 1)] == [-3, 3.5]
    state = two.play(Scaffold({}), state=state)
    assert [float(two.updates[i].tensors["model/w"][0]) for i in (0, 1)] == [0.5, -0.796875]
    assert [variate(two.memories[i]) for i in (0, 1)] == [-4, 3.796875]
    assert [variate(two.updates[i].tensors) for i in (0, 1)] == [-1, 0.296875]  # what changed
    assert (w(state), variate(state)) == ((0.5 - 0.796875) / 2, (3.796875 - 4) / 2)
    assert Scaffold({}).measures(state, two.context) == {"variate": 0.1015625}


def test_gradients_are_read_off_steps_of_whatever_length():
    """One step from 0, of gradients -4 and 4: rate 0.5, then half of it in round 2 of 2."""
    settings = [*PLAIN, "training.schedule=cosine", "rounds.count=2"]
    table = federation(Bowl(1, 4), Bowl(0.5, -8), settings=settings)
    state = table.play(Scaffold({}))
    assert [variate(table.memories[i]) for i in (0, 1)] == [-4, 4]
    assert (w(state), variate(state)) == (0, 0)
    table.play(Scaffold({}), state=state)
    assert [variate(table.memories[i]) for i in (0, 1)] == pytest.approx([-4, 4])
    # Along g + c - c_i, which is 0 here: the variates are exact.
    assert [float(table.updates[i].tensors["model/w"][0]) for i in (0, 1)] == pytest.approx([0, 0])


def test_the_server_goes_part_of_the_way(two):
    state = two.play(Scaffold({"server_rate": 0.5}))
    assert (w(state), variate(state)) == (-0.125, 0.25)


def test_it_ends_where_the_mean_gradient_is_none(two):
    """At 0; FedAvg's clients pull each other elsewhere."""
    assert w(two.play(Scaffold({}), rounds=40)) == pytest.approx(0, abs=1e-5)
    other = federation(Bowl(1, 4), Bowl(0.5, -8), settings=TWO_STEPS)
    assert abs(w(other.play(FedAvg({}), rounds=40))) > 0.1


def test_the_servers_variate_is_the_mean_of_all_clients(two):
    """Whoever takes part when: |S| of N."""
    four = federation(Bowl(1, 4), Bowl(0.5, -8), Bowl(0.25, 1), Bowl(1, -3), settings=TWO_STEPS)
    state = None
    for cohort in ([1], [0, 2], [1, 2], [0], [2, 3], [0, 1, 2, 3], [3]):
        state = four.play(Scaffold({}), [cohort], state)
        own = [variate(memory) for memory in four.memories.values()]
        assert variate(state) == pytest.approx(sum(own) / 4, abs=1e-6)


def test_a_parameter_that_a_client_has_no_data_for_moves_along_the_others(two):
    """Client 1's gradient is 0 throughout: y = w - c (rate 0.5, two steps), and its variate stays 0."""
    idle = federation(Bowl(1, 4), Bowl(0, 0), settings=TWO_STEPS)
    state = idle.play(Scaffold({}))
    sent, c = w(state), variate(state)
    idle.play(Scaffold({}), state=state)
    assert c == -1.5
    assert float(idle.updates[1].tensors["model/w"][0]) == sent - c
    assert variate(idle.memories[1]) == 0


def test_without_variates_it_is_fedavg_to_the_bit(tiny, simulate):
    """In round 1, of clients with equally many utterances."""
    settings = [*SGD, "partition.clients=4", "rounds.selection=last"]

    def state_of(name, count):
        run = simulate(tiny(name, *settings, f"rounds.count={count}"), f"{name}-{count}")
        return run.outcome.state

    def model(state):
        return bits({n: a for n, a in state.items() if n.startswith("model/")})

    assert model(state_of("scaffold", 1)) == model(state_of("fedavg", 1))
    assert model(state_of("scaffold", 2)) != model(state_of("fedavg", 2))


def test_variates_add_up_after_a_lost_round_and_a_stop(survive):
    """What the first client of the lost round remembered of it is forgotten, or c were off for ever."""
    done = survive("scaffold", *SGD)
    memories = [done.simulation._memory.read(i, at=4) for i in range(4)]
    for name, c in done.outcome.state.items():
        if name.startswith("variate/"):
            own = sum(memory[name].astype(np.float64) for memory in memories if memory) / 4
            np.testing.assert_allclose(c, own, atol=1e-6)
            assert c.any()
    assert bits(survive("scaffold", *SGD, stopped=True).outcome.state) == bits(done.outcome.state)


@pytest.mark.parametrize("settings", [(), ("training.optimiser=sgd", "training.momentum=0.9")])
def test_other_optimisers_are_refused_with_the_reason(tiny, simulate, settings):
    with pytest.raises(
        UserError, match=r"training.optimiser: scaffold .* set training.optimiser=sgd"
    ):
        simulate(tiny("scaffold", *settings))
