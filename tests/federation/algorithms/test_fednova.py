"""FedNova by hand; with equally many steps it is FedAvg."""

import numpy as np
import pytest

from fedaffect.federation.algorithms.fedavg import FedAvg
from fedaffect.federation.algorithms.fednova import FedNova, gradients_in

from .quadratic import PLAIN, Bowl, federation, w
from .test_fedavg import bits


def test_a_round_by_hand():
    """From w = 8 at rate 0.5, p = 1/4 and 3/4.

    One step along y - 4: y = 6, a move of -2. Two along (y + 8) / 2: y = 8 → 4 → 1, of -7.
    τ = 1/4 · 1 + 3/4 · 2 = 1.75; w ← 8 + 1.75 (1/4 · -2/1 + 3/4 · -7/2) = 8 - 1.75 · 3.125.
    """
    two = federation(Bowl(1, 4), Bowl(0.5, -8, volume=3, steps=2))
    state = two.play(FedNova({}), state={"model/w": np.array([8], np.float32)})
    assert w(state) == 8 - 1.75 * 3.125
    assert set(state) == {"model/w"}


def test_more_steps_do_not_move_the_goal():
    """With tiny steps they meet half-way between 4 and -4; FedAvg's meet nearer to the busier one."""
    bowls = (Bowl(1, 4, steps=1), Bowl(1, -4, steps=3))
    slow = [*PLAIN, "training.learning_rate=0.01"]

    def end(algorithm):
        return w(federation(*bowls, settings=slow).play(algorithm, rounds=400))

    assert end(FedNova({})) == pytest.approx(0, abs=0.1)
    assert end(FedAvg({})) == pytest.approx(-2, abs=0.1)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_gradients_from_rest_are_the_papers(steps, momentum):
    printed = (steps - momentum * (1 - momentum**steps) / (1 - momentum)) / (1 - momentum)
    assert gradients_in(steps, momentum)[0] == pytest.approx(printed)


@pytest.mark.parametrize(("kept", "second"), [("reset", 2.5), ("keep", 3.625)])
def test_a_kept_velocity_counts(kept, second):
    """ρ = 0.5: steps of 1 and 1.5 gradients; then of 1.75 and 1.875, or 1 and 1.5 again."""
    momentum = ("training.momentum=0.5", f"training.optimiser_state={kept}")
    one = federation(Bowl(1, 4, steps=2), settings=[*PLAIN, *momentum])
    for expected in (2.5, second):
        one.play(FedNova({}), state={"model/w": np.zeros(1, np.float32)})
        np.testing.assert_array_equal(
            one.updates[0].tensors["normaliser"], [expected, 1 / expected]
        )


def test_equally_many_steps_are_fedavg():
    bowls = (Bowl(1, 4, steps=3), Bowl(0.5, -8, volume=3, steps=3))
    results = [w(federation(*bowls).play(kind({}), rounds=3)) for kind in (FedNova, FedAvg)]
    assert results[0] == pytest.approx(results[1], rel=1e-6)


def test_one_client_is_fedavg_to_the_bit(tiny, simulate):
    settings = ["partition.clients=1", "rounds.count=2"]
    states = [simulate(tiny(n, *settings), n).outcome.state for n in ("fednova", "fedavg")]
    assert bits(states[0]) == bits(states[1])


def test_it_survives_a_lost_round_and_a_stop(survive):
    sgd = ("training.optimiser=sgd", "training.momentum=0.9")
    whole, stopped = (survive("fednova", *sgd, stopped=stopped) for stopped in (False, True))
    assert bits(whole.outcome.state) == bits(stopped.outcome.state)
