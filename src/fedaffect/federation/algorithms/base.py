"""What an algorithm is: four functions that know no engine, and a declaration of what may leave a client."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import cos, pi
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from fedaffect.experiment import Experiment, Section, validated
from fedaffect.federation.aggregators import Aggregate, Aggregator, WeightedMean
from fedaffect.federation.messages.declarations import Spec as Spec
from fedaffect.federation.messages.declarations import specs as specs
from fedaffect.federation.messages.update import Update
from fedaffect.learning.label_balance import LabelBalance
from fedaffect.learning.learner import (
    ExtraLoss,
    Fit,
    FitOptions,
    GradientCorrection,
    Learner,
    Outputs,
)
from fedaffect.randomness import seed_for
from fedaffect.schema import ClientData, Tensors

State = Tensors
"""The server's named tensors. All but `server/...` are broadcast to the clients of a round."""


@dataclass(frozen=True)
class Context:
    """What server and clients know from the start.

    Attributes:
        round: 1.. while training; 0 before.
        initial: the model that everybody starts from (`model/...`).
        embedding_dim: length of a prototype.
        modalities: their names, sorted.
        clients: how many have training data, whether or not they take part in a round.
    """

    experiment: Experiment
    classes: tuple[str, ...]
    round: int
    initial: Tensors
    embedding_dim: int
    modalities: tuple[str, ...] = ()
    clients: int = 1

    @property
    def learning_rate(self) -> float:
        """Of this round: in round r of R all of it, or (1 + cos(π (r - 1) / R)) / 2 of it."""
        training = self.experiment.training
        if training.schedule == "constant":
            return training.learning_rate
        progress = (self.round - 1) / self.experiment.rounds.count
        return training.learning_rate * (1 + cos(pi * progress)) / 2


@dataclass(frozen=True)
class Client:
    """One participant at work in one round.

    Attributes:
        label: int64 [items of the corpus]; a client reads only those of its own data.
        counts: int64 [classes], its supervised utterances by class.
        completed_fraction: how many of its steps it has time for.
    """

    index: int
    data: ClientData
    learner: Learner
    label: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    context: Context
    completed_fraction: float = 1.0

    def learn(
        self,
        start: Mapping[str, npt.NDArray[Any]],
        state: State,
        memory: Tensors,
        extra_loss: ExtraLoss | None = None,
        teacher: npt.NDArray[np.float32] | None = None,
        correction: GradientCorrection | None = None,
        only: Collection[str] | None = None,
        epochs: int | None = None,
    ) -> tuple[Fit, Tensors]:
        """Train from `start` with this client's own randomness of this round; see `FitOptions`.

        Returns:
            the fit, and what must be remembered of the optimiser (empty unless it is kept).
        """
        experiment = self.context.experiment
        self.learner.set({**start, **features(state)})
        fit = self.learner.fit(
            self.data,
            FitOptions(
                seed=seed_for(experiment.seed, "fit", self.context.round, self.index),
                extra_loss=extra_loss,
                label_balance=self._balance(state),
                optimiser=with_prefix(memory, "optimiser"),
                teacher=teacher,
                correction=correction,
                only=only,
                epochs=epochs,
                completed_fraction=self.completed_fraction,
                learning_rate=self.context.learning_rate,
            ),
        )
        return fit, fit.optimiser

    def _balance(self, state: State) -> LabelBalance:
        training = self.context.experiment.training
        overall = state["statistics/label_frequency"] if training.needs_label_frequencies else None
        return LabelBalance.of(training, self.counts, overall)


class Algorithm(ABC):
    """What a client does with what it received, and the server with what came back.

    `evaluations` names how its models are evaluated, the primary way first: `global` (the server's model),
    `local` (every client's model), `prototype` (nearest global prototype in a client's embedding).
    `balances`: clients learn with a `LabelBalance`, and may have to report their label frequencies.
    """

    class Settings(Section):
        """Keys of the experiment's `[algorithm]` section beside `name`."""

    evaluations: tuple[str, ...] = ("global",)
    all_in_one_client: ClassVar[bool] = False
    balances: ClassVar[bool] = True
    aggregator: Aggregator
    settings: Any  # an instance of the class's own Settings

    def __init__(self, settings: Mapping[str, Any]) -> None:
        name = type(self).__module__.rpartition(".")[2]  # as it is asked for: a file's
        self.settings = validated(self.Settings, settings, f"algorithm {name}")
        self.aggregator = WeightedMean()

    @abstractmethod
    def initial(self, context: Context) -> State:
        """The server's state before round 1."""

    @abstractmethod
    def client_round(self, state: State, client: Client, memory: Tensors) -> tuple[Update, Tensors]:
        """A client's work: what it sends, and what it remembers."""

    @abstractmethod
    def server_round(self, state: State, aggregate: Aggregate, context: Context) -> State:
        """The state after a round."""

    @abstractmethod
    def model_for(self, state: State, memory: Tensors, context: Context) -> Tensors:
        """The model that a client predicts with (`model/...`); with empty memory, the server's."""

    @abstractmethod
    def declared_updates(self, context: Context) -> Mapping[str, Spec]:
        """Every tensor that an update may hold. Nothing else leaves a client."""

    def predict_nearest(
        self, state: State, outputs: Outputs, classes: int
    ) -> npt.NDArray[np.float32] | None:
        """Probabilities [n, classes] of the `prototype` evaluation; None where there are none."""
        return None

    def measures(self, state: State, context: Context) -> dict[str, float]:
        """Figures about the state that are worth a line in the record."""
        return {}


def with_prefix(tensors: Mapping[str, npt.NDArray[Any]], prefix: str) -> Tensors:
    """The tensors below a path prefix, under their whole names."""
    return {name: array for name, array in tensors.items() if name.startswith(prefix + "/")}


def features(state: State) -> Tensors:
    """The feature statistics of a state (`features/...`)."""
    return with_prefix(state, "features")


def model(tensors: Mapping[str, npt.NDArray[Any]]) -> Tensors:
    """The model's tensors (`model/...`)."""
    return with_prefix(tensors, "model")


def floating(tensors: Mapping[str, npt.NDArray[Any]]) -> Tensors:
    """Those that hold real numbers: all that is learnt, and no counters."""
    return {name: array for name, array in tensors.items() if array.dtype.kind == "f"}
