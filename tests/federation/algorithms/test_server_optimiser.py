"""FedAvgM, FedAdam and FedYogi by hand."""

from math import sqrt

import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.federation.aggregators import Aggregate
from fedaffect.federation.algorithms.server_optimiser import ServerOptimiser

from .quadratic import Bowl, federation, w
from .test_fedavg import bits

HALF = {"server_momentum": 0.5, "second_moment": 0.5}


def play(settings, rounds, *bowls):
    """From w = 0 with Δ = (4 - w) / 2, unless told otherwise."""
    return w(federation(*bowls or [Bowl(1, 4)]).play(ServerOptimiser(settings), rounds))


def test_momentum_by_hand():
    """Δ = 2, 1, 0: m = 2, 2, 1."""
    fedavgm = {"rule": "momentum", **HALF}
    assert [play(fedavgm, rounds) for rounds in (1, 2, 3)] == [2, 4, 5]
    assert play({**fedavgm, "server_rate": 0.5}, 1) == 1


def test_adam_by_hand():
    """τ = 2, so v = 4. Δ = 2: m = 1, v = 2 + 2; w = 8 · 1/(2 + 2). Δ = 1: m = 1, v = 2 + 1/2."""
    adam = {"rule": "adam", "server_rate": 8, "adaptivity": 2, **HALF}
    assert play(adam, 1) == 2
    assert play(adam, 2) == pytest.approx(2 + 8 * 1 / (sqrt(2.5) + 2))


def test_yogi_by_hand():
    """τ = 1/2, v = 1/4. Δ² = 4 > v: m = 1, v = 1/4 + 4/2; w = 6 · 1/(3/2 + 1/2).

    Δ = 1/2, Δ² = 1/4 < v: m = 3/4, v = 9/4 - 1/8.
    """
    yogi = {"rule": "yogi", "server_rate": 6, "adaptivity": 0.5, **HALF}
    assert play(yogi, 1) == 3
    assert play(yogi, 2) == pytest.approx(3 + 6 * 0.75 / (sqrt(2.125) + 0.5))


def test_the_move_is_the_mean_by_volume():
    """Δ = (1 · 2 + 3 · -2) / 4."""
    assert play({"rule": "momentum"}, 1, Bowl(1, 4), Bowl(0.5, -8, volume=3)) == -1


def test_defaults_are_the_papers():
    """Δ = 2, β₁ = 0.9, β₂ = 0.99, τ = 0.001: m = 0.2, v = 0.04 and little more."""
    adam = 0.01 * 0.2 / (sqrt(0.99e-6 + 0.01 * 4) + 1e-3)
    yogi = 0.01 * 0.2 / (sqrt(1e-6 + 0.01 * 4) + 1e-3)
    assert play({}, 1) == pytest.approx(adam, rel=1e-6)
    assert play({"rule": "yogi"}, 1) == pytest.approx(yogi, rel=1e-6)
    assert play({"rule": "momentum"}, 1) == 2


def test_whole_numbers_are_taken_as_they_come():
    """A counter, as of batches seen, has no moments."""
    state = {"model/w": np.zeros(1, np.float32), "model/seen": np.array(1)}
    mean = {"model/w": np.ones(1, np.float32), "model/seen": np.array(5)}
    context = federation(Bowl(1, 4)).context
    new = ServerOptimiser({}).server_round(state, Aggregate(mean, 1), context)
    assert new["model/seen"] == 5
    assert {n for n in new if n.startswith("server/")} == {
        "server/first_moment/model/w",
        "server/second_moment/model/w",
    }


def test_without_momentum_it_is_fedavg_to_the_bit(tiny, simulate):
    none = ["algorithm.rule=momentum", "algorithm.server_momentum=0.0"]
    mine = simulate(tiny("server_optimiser", *none), "none").outcome.state
    fedavg = simulate(tiny("fedavg"), "fedavg").outcome.state
    assert bits({n: a for n, a in mine.items() if not n.startswith("server/")}) == bits(fedavg)


def test_it_survives_a_lost_round_and_a_stop(survive):
    rule = "algorithm.rule=yogi"
    whole, stopped = (survive("server_optimiser", rule, stopped=s) for s in (False, True))
    assert bits(whole.outcome.state) == bits(stopped.outcome.state)


def test_an_unknown_rule_is_named():
    with pytest.raises(UserError, match="algorithm server_optimiser: rule"):
        ServerOptimiser({"rule": "adagrad"})
