"""Three clients whose embeddings are written down, so that a round can be done by hand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from fedaffect.corpus.partition import labels_per_client
from fedaffect.experiment import Experiment
from fedaffect.federation.algorithms.base import Client, Context
from fedaffect.federation.messages.update import Update
from fedaffect.federation.selection import select
from fedaffect.learning.learner import DivergedError, Fit, FitOptions
from fedaffect.randomness import seed_for
from fedaffect.schema import UNLABELLED, ClientData

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
        client_data = []
        for i in range(len(hands)):
            rows = np.arange(len(corpus))[corpus.rows(i)]
            own = rows[corpus.label[rows] != NOBODY]
            client_data.append(ClientData(f"client-{i}", np.array([i]), own))
        learner = stub(
            corpus,
            embedding.reshape(-1, dim),
            {s.name: [w] for s, w in zip(client_data, learnt, strict=False)},
        )
        initial = {"model/w": np.zeros(1, np.float32)}
        context = Context(Experiment(), corpus.classes, 1, initial, dim)
        counts = labels_per_client(corpus, client_data)
        clients = [
            Client(i, data, learner, corpus.label, counts[i], context)
            for i, data in enumerate(client_data)
        ]
        return Table(clients, learner, context)

    return build


class Faltering:
    """A learner that diverges once, at one moment: by seed, which is by round and client."""

    def __init__(self, learner: Any, seed: int) -> None:
        self._learner, self._seed = learner, seed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._learner, name)

    def fit(self, data: ClientData, options: FitOptions) -> Fit:
        if options.seed == self._seed:
            raise DivergedError("on purpose")
        return self._learner.fit(data, options)


@pytest.fixture
def survive(tiny: Any, simulate: Any) -> Callable[..., Any]:
    """Run an algorithm on half of 4 clients, optimisers kept, round 2 of 4 lost after one has learnt.

    With `stopped`, the run is killed at its second checkpoint and taken up again.
    """

    def run(name: str, *settings: str, stopped: bool = False) -> Any:
        experiment = tiny(
            name,
            *("partition.clients=4", "clients.fraction=0.5", "training.optimiser_state=keep"),
            *("rounds.count=4", "rounds.quorum=1", "rounds.selection=last", *settings),
        )
        last = select(experiment.clients, np.ones(4), experiment.seed, 2, None).chosen[-1]
        seed = seed_for(experiment.seed, "fit", 2, last)
        seen: list[int] = []

        def stop(event: dict[str, Any]) -> None:
            seen.append(event["kind"] == "checkpoint")
            if sum(seen) == 3:
                raise KeyboardInterrupt

        arguments = {"wrap": lambda learner: Faltering(learner, seed)}
        folder = f"{name}-{stopped}"
        if stopped:
            with pytest.raises(KeyboardInterrupt):
                simulate(experiment, folder, listeners=[stop], **arguments)
        done = simulate(experiment, folder, **arguments)
        assert [e["round"] for e in done.of_kind("round_lost")] == [2]
        return done

    return run


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
