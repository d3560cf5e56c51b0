"""What an algorithm is told, and what it passes on."""

import pytest

from fedaffect.federation.algorithms.fedavg import FedAvg

from .quadratic import PLAIN, Bowl, federation, w


def rates(*settings):
    table = federation(Bowl(1, 4), settings=[*PLAIN, "rounds.count=4", *settings])
    for _ in range(4):
        table.play(FedAvg({}))
        yield table.context.learning_rate


def test_the_learning_rate_stays_or_falls_along_half_a_wave():
    assert [*rates()] == [0.5] * 4
    expected = [0.5, 0.25 * (1 + 0.5**0.5), 0.25, 0.25 * (1 - 0.5**0.5)]
    assert [*rates("training.schedule=cosine")] == pytest.approx(expected)


def test_clients_learn_at_the_rate_of_the_round():
    """½ (w - 4)² from 0: half of the way in round 1 of 2, then a quarter of what is left."""
    settings = [*PLAIN, "rounds.count=2", "training.schedule=cosine"]
    table = federation(Bowl(1, 4), settings=settings)
    state = table.play(FedAvg({}))
    assert w(state) == 2
    assert w(table.play(FedAvg({}), state=state)) == 2.5
