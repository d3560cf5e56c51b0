"""Three clients whose embeddings are written down, so that a round can be done by hand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from fedaffect.corpus.partition import Share, labels_per_client
from fedaffect.corpus.schema import UNLABELLED
from fedaffect.experiment import Experiment
from fedaffect.federation.algorithms.base import Client, Context
from fedaffect.federation.update import Update

A, B, C, NOBODY = "anger", "joy", "calm", UNLABELLED
Rows = Sequence[tuple[int, Sequence[float]]]


@dataclass
class Table:
    """Clients around one stub learner."""

    clients: list[Client]
    learner: Any
    context: Context

    def updates(self, algorithm: Any, state: dict[str, Any], order: Any = None) -> list[Update]:
        clients = self.clients if order is None else [self.clients[i] for i in order]
        return [algorithm.client_round(state, client, {})[0] for client in clients]

    def round(self, algorithm: Any, state: dict[str, Any], order: Any = None) -> dict[str, Any]:
        """The state after one round."""
        aggregate = algorithm.aggregator.reduce(self.updates(algorithm, state, order))
        return algorithm.server_round(state, aggregate, self.context)


@pytest.fixture(scope="session")
def seat(make_corpus: Any, stub: Any) -> Callable[..., Table]:
    """`seat([(label, embedding), ...], ...)`: one client a list, a model `w` of its own each."""

    def build(
        *hands: Rows, learnt: Sequence[float] = (1, 2, 5, 7, 9, 11), classes: int = 3
    ) -> Table:
        turns = max(len(hand) for hand in hands)
        corpus = make_corpus(conversations=len(hands) + 2, turns=turns, classes=classes)
        label = np.full((len(hands) + 2, turns), NOBODY)
        dim = len(hands[0][0][1])
        embedding = np.full((len(hands) + 2, turns, dim), 99.0, np.float32)
        for i, hand in enumerate(hands):
            for j, (k, x) in enumerate(hand):
                label[i, j], embedding[i, j] = k, x
        names = (A, B, C) if classes == 3 else corpus.classes
        corpus = replace(corpus, label=label.ravel(), classes=names)
        shares = []
        for i in range(len(hands)):
            rows = np.arange(len(corpus))[corpus.rows(i)]
            own = rows[corpus.label[rows] != NOBODY]
            shares.append(Share(f"client-{i}", np.array([i]), own))
        learner = stub(
            corpus,
            embedding.reshape(-1, dim),
            {s.name: [w] for s, w in zip(shares, learnt, strict=False)},
        )
        initial = {"model/w": np.zeros(1, np.float32)}
        context = Context(Experiment(), corpus.classes, 1, initial, dim)
        counts = labels_per_client(corpus, shares)
        clients = [
            Client(i, share, learner, corpus.label, counts[i], context)
            for i, share in enumerate(shares)
        ]
        return Table(clients, learner, context)

    return build


@pytest.fixture
def three(seat: Any) -> Table:
    """Class 0 by all three, class 1 by the last, class 2 by nobody; lengths are not 1 on purpose.

    As unit vectors: client 0 has (1, 0) twice, client 1 (0.6, 0.8) once, client 2 (-1, 0) three
    times and (0, 1) once for class 1.
    """
    return seat(
        [(0, (2, 0)), (0, (3, 0))],
        [(0, (1.2, 1.6))],
        [(0, (-1, 0)), (0, (-2, 0)), (0, (-0.5, 0)), (1, (0, 5))],
    )
