"""FedDyn by hand; with no alpha it is FedAvg to the bit."""

import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.federation.algorithms.feddyn import FedDyn

from .quadratic import PLAIN, Bowl, federation, w
from .test_fedavg import bits

TWO_STEPS = [*PLAIN, "training.local_epochs=2"]


def own(memory):
    return float(memory["gradient/model/w"][0])


def h(state):
    return float(state["server/gradient/model/w"][0])


@pytest.fixture
def two():
    """Of gradients y - 4 and (y + 8) / 2, whose sum is 0 at y = 0; the volumes must not matter."""
    return federation(Bowl(1, 4, volume=5), Bowl(0.5, -8), settings=TWO_STEPS)


def test_two_rounds_by_hand(two):
    """α = 0.5, rate 0.5, two steps along a (y - b) - g_i + α (y - w).

    Round 1 from w = 0: y_0 = 0 → 2 → 2.5, g_0 = -1.25; y_1 = 0 → -2 → -3, g_1 = 1.5.
    h = -0.5/2 · (2.5 - 3) = 0.125; w = -0.25 - 0.125/0.5.
    Round 2 from w = -0.5: y_0 → 1.125 → 1.53125, a move of 2.03125; y_1 → -1.625 → -2.1875, of -1.6875.
    h = 0.125 - 0.25 · 0.34375 = 0.0390625; w = -0.328125 - 0.078125.
    """
    feddyn = FedDyn({"alpha": 0.5})
    state = two.play(feddyn)
    assert (w(state), h(state)) == (-0.5, 0.125)
    assert [own(two.memories[i]) for i in (0, 1)] == [-1.25, 1.5]
    state = two.play(feddyn, state=state)
    assert [float(two.updates[i].tensors["model/w"][0]) for i in (0, 1)] == [1.53125, -2.1875]
    assert [own(two.memories[i]) for i in (0, 1)] == [-2.265625, 2.34375]
    assert (w(state), h(state)) == (-0.40625, 0.0390625)


def test_it_ends_where_the_mean_gradient_is_none(two):
    """At 0, and each client remembers its own gradient there."""
    state = two.play(FedDyn({"alpha": 0.5}), rounds=100)
    assert w(state) == pytest.approx(0, abs=1e-4)
    assert [own(two.memories[i]) for i in (0, 1)] == pytest.approx([-4, 4], abs=1e-3)


def test_the_servers_gradient_is_the_mean_of_all_clients():
    """Whoever takes part when: |S| of N."""
    four = federation(Bowl(1, 4), Bowl(0.5, -8), Bowl(0.25, 1), Bowl(1, -3), settings=TWO_STEPS)
    state = None
    for cohort in ([1], [0, 2], [1, 2], [0], [2, 3], [0, 1, 2, 3], [3]):
        state = four.play(FedDyn({"alpha": 0.5}), [cohort], state)
        assert h(state) == pytest.approx(sum(map(own, four.memories.values())) / 4, abs=1e-5)


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_alpha_0_is_fedavg_to_the_bit(tiny, simulate, optimiser):
    """Of clients with equally many utterances."""
    settings = [
        *("partition.clients=4", "rounds.count=2", "rounds.selection=last"),
        *(f"training.optimiser={optimiser}", "training.optimiser_state=keep"),
    ]

    def model(name, folder, *more):
        state = simulate(tiny(name, *settings, *more), folder).outcome.state
        return bits({n: a for n, a in state.items() if n.startswith("model/")})

    fedavg = model("fedavg", "fedavg")
    assert model("feddyn", "none", "algorithm.alpha=0.0") == fedavg
    assert model("feddyn", "some") != fedavg


def test_gradients_add_up_after_a_lost_round_and_a_stop(survive):
    """What the first client of the lost round remembered of it is forgotten, or h were off for ever."""
    done = survive("feddyn", "algorithm.alpha=0.1")
    memories = [done.simulation._memory.read(i, at=4) for i in range(4)]
    found = 0
    for name, total in done.outcome.state.items():
        if name.startswith("server/gradient/"):
            mine = [memory.get(name.removeprefix("server/")) for memory in memories]
            mean = sum(g.astype(np.float64) for g in mine if g is not None) / 4
            np.testing.assert_allclose(total, mean, atol=1e-7)
            found += bool(total.any())
    assert found
    again = survive("feddyn", "algorithm.alpha=0.1", stopped=True)
    assert bits(again.outcome.state) == bits(done.outcome.state)


def test_nothing_of_the_servers_or_the_clients_gradients_travels(two):
    algorithm = FedDyn({})
    two.play(algorithm)
    assert all(set(update.tensors) == {"model/w"} for update in two.updates.values())
    assert set(algorithm.declared_updates(two.context)) == {"model/w"}


def test_a_negative_alpha_is_named():
    with pytest.raises(UserError, match="algorithm feddyn: alpha"):
        FedDyn({"alpha": -1})
