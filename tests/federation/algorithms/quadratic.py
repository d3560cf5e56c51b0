"""Clients with the objective ½ a (w - b)² and plain gradient steps: rounds for paper and pencil."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

import numpy as np

from fedaffect.experiment import Experiment, Training
from fedaffect.federation.algorithms.base import Algorithm, Client, Context, State
from fedaffect.federation.messages.declarations import ensure_declared
from fedaffect.federation.messages.update import Update
from fedaffect.learning.learner import Fit, FitOptions, GradientCorrection
from fedaffect.schema import ClientData, Tensors

PLAIN = (
    "training.optimiser=sgd",
    "training.learning_rate=0.5",
    "training.weight_decay=0",
)


@dataclass(frozen=True)
class Bowl:
    """½ curvature (w - lowest)² for each parameter w, of a client with `volume` utterances."""

    curvature: float
    lowest: float
    volume: int = 1
    steps: int = 1
    """In an epoch."""


@dataclass
class Quadratic:
    """A learner that goes down the bowl of the share it is given, by SGD with the experiment's momentum."""

    bowls: Mapping[str, Bowl]
    training: Training
    model: Tensors

    embedding_dim = 1

    def get(self) -> Tensors:
        return {name: w.copy() for name, w in self.model.items()}

    def set(self, tensors: Mapping[str, np.ndarray]) -> None:
        assert tensors.keys() == self.model.keys()
        self.model = {name: w.copy() for name, w in tensors.items()}

    def fit(self, data: ClientData, options: FitOptions) -> Fit:
        bowl, rate = self.bowls[data.name], options.rate(self.training)
        added, only = options.correction or GradientCorrection(), options.only
        velocity = dict(options.optimiser or {})
        steps = ceil(
            options.completed_fraction * (options.epochs or self.training.local_epochs) * bowl.steps
        )
        for _step in range(steps):
            for name in [n for n in self.model if only is None or n in only]:
                w, moment = self.model[name], f"optimiser/{name}"
                gradient = bowl.curvature * (w - bowl.lowest) + added.linear.get(name, 0)
                gradient = gradient + added.proximal * (w - added.anchor.get(name, w))
                velocity[moment] = self.training.momentum * velocity.get(moment, 0) + gradient
                self.model[name] = (w - rate * velocity[moment]).astype(np.float32)
        keeps = self.training.optimiser_state == "keep" and self.training.momentum
        return Fit(0.0, {}, steps, velocity if keeps else {})


@dataclass
class Federation:
    """Clients around one quadratic learner, and what they remember from round to round.

    Attributes:
        updates: of the last round, by client.
    """

    clients: list[Client]
    context: Context
    memories: dict[int, Tensors] = field(default_factory=dict)
    updates: dict[int, Update] = field(default_factory=dict)

    def play(
        self,
        algorithm: Algorithm,
        rounds: int | Iterable[Sequence[int]] = 1,
        state: State | None = None,
    ) -> State:
        """The state after so many rounds of everybody, or after a round of each of the cohorts given."""
        everybody = range(len(self.clients))
        cohorts = [everybody] * rounds if isinstance(rounds, int) else list(rounds)
        state = algorithm.initial(self.context) if state is None else state
        for cohort in cohorts:
            self.context = replace(self.context, round=self.context.round + 1)
            public = {n: a for n, a in state.items() if not n.startswith("server/")}
            self.updates = {}
            for i in cohort:
                client = replace(self.clients[i], context=self.context)
                memory = self.memories.get(i, {})
                self.updates[i], kept = algorithm.client_round(public, client, memory)
                ensure_declared(self.updates[i], algorithm.declared_updates(self.context))
                self.memories[i] = kept or memory
            aggregate = algorithm.aggregator.reduce(self.updates.values())
            state = algorithm.server_round(state, aggregate, self.context)
        return state


def federation(
    *bowls: Bowl, settings: Sequence[str] = PLAIN, names: Sequence[str] = ("model/w",)
) -> Federation:
    """One client a bowl; the model has the given parameters, all 0 at first, float32 [1]."""
    experiment = Experiment().with_settings(settings)
    initial = {name: np.zeros(1, np.float32) for name in names}
    client_data = [
        ClientData(f"client-{i}", np.array([i]), np.arange(bowl.volume))
        for i, bowl in enumerate(bowls)
    ]
    learner = Quadratic(
        {data.name: bowl for data, bowl in zip(client_data, bowls, strict=True)},
        experiment.training,
        initial,
    )
    context = Context(experiment, ("anger", "joy"), 0, initial, 1, clients=len(bowls))
    label = np.zeros(max(bowl.volume for bowl in bowls), np.int64)
    clients = [
        Client(i, data, learner, label, np.array([data.volume, 0]), context)
        for i, data in enumerate(client_data)
    ]
    return Federation(clients, context)


def w(state: State) -> float:
    """The model's one number."""
    return float(state["model/w"][0])
