"""FedProx by hand, and with no mu FedAvg to the bit."""

import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.federation.algorithms.fedprox import FedProx

from .quadratic import PLAIN, Bowl, federation, w
from .test_fedavg import bits

TWICE = "training.local_epochs=2"


def test_a_round_by_hand():
    """Two steps of rate 0.5 from w = 0 with mu 1: g = a (y - b) + (y - w).

    Client 0, a = 1, b = 4: y = 0 → 2 → 2 - 0.5 (-2 + 2) = 2. Client 1, a = 0.5, b = -8, three times
    the volume: y = 0 → -2 → -2 - 0.5 (3 - 2) = -2.5. Mean (2 - 7.5) / 4.
    """
    two = federation(Bowl(1, 4), Bowl(0.5, -8, volume=3), settings=[*PLAIN, TWICE])
    state = two.play(FedProx({"mu": 1.0}))
    assert w(state) == (2 - 7.5) / 4


def test_the_anchor_is_the_servers_model_of_the_round():
    """From w = 8 instead: y = 8 → 8 - 0.5 · 4 = 6 → 6 - 0.5 (2 - 2) = 6."""
    one = federation(Bowl(1, 4), settings=[*PLAIN, TWICE])
    state = one.play(FedProx({"mu": 1.0}), state={"model/w": np.array([8], np.float32)})
    assert w(state) == 6


def test_it_is_on_by_default():
    """g = a (y - b) + 0.1 (y - w): y = 0 → 2 → 2 - 0.5 (-2 + 0.2)."""
    one = federation(Bowl(1, 4), settings=[*PLAIN, TWICE])
    assert w(one.play(FedProx({}))) == pytest.approx(2.9)


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_mu_0_is_fedavg_to_the_bit(tiny, simulate, optimiser):
    settings = [
        f"training.optimiser={optimiser}",
        "training.optimiser_state=keep",
        "rounds.count=2",
    ]
    fedavg = simulate(tiny("fedavg", *settings), "fedavg").outcome.state
    none = simulate(tiny("fedprox", "algorithm.mu=0.0", *settings), "none").outcome.state
    some = simulate(tiny("fedprox", *settings), "some").outcome.state
    assert bits(none) == bits(fedavg) != bits(some)


def test_a_negative_mu_is_named():
    with pytest.raises(UserError, match="algorithm fedprox: mu"):
        FedProx({"mu": -1})


def test_it_survives_a_lost_round_and_a_stop(survive):
    whole, stopped = (survive("fedprox", stopped=stopped) for stopped in (False, True))
    assert bits(whole.outcome.state) == bits(stopped.outcome.state)
