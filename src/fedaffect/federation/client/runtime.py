"""What runs where the recordings are: every stage's client half, and the guard at the door."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.batching import rows_of
from fedaffect.corpus.partition import ClientData
from fedaffect.corpus.schema import ConversationCorpus, Modality
from fedaffect.experiment import Experiment
from fedaffect.federation.algorithms import find
from fedaffect.federation.algorithms.base import Algorithm, Client, Context, Spec, State
from fedaffect.federation.client.memory import MemoryStore
from fedaffect.federation.faults import draw_fault
from fedaffect.federation.messages.update import Update
from fedaffect.federation.server.evaluator import as_tensors, evaluate_modes, evaluation_specs
from fedaffect.learning.learner import DivergedError, Learner, Tensors


@dataclass(frozen=True)
class Request:
    """From the server to one client.

    Attributes:
        stage: `statistics`, `train` or `evaluate`.
        round: for `train` the round at work; for `evaluate` the round whose memory speaks.
        state: what is broadcast; nothing that begins with `server/`.
        split: what to evaluate on.
    """

    stage: str
    client: int
    round: int
    state: State
    split: str = ""


class RefusedError(Exception):
    """A client that sends nothing, and why."""


class Kind(NamedTuple):
    """What clients of one kind compute with; all clients of a process that are of it share the learner."""

    context: Context
    learner: Learner


class ClientRuntime:
    """The clients of one process: their shares, their memories, and a learner for each kind of them."""

    def __init__(
        self,
        algorithm: Algorithm,
        kinds: Sequence[Kind],
        corpus: ConversationCorpus,
        client_data: Sequence[ClientData],
        memory: MemoryStore,
    ) -> None:
        """`kinds`: client i is of kind i modulo their number."""
        self._algorithm = algorithm
        self._kinds = kinds
        self._contexts = [kind.context for kind in kinds]  # in the round at work
        self._experiment = kinds[0].context.experiment
        self._corpus = corpus
        self._client_data = client_data
        self._leaves = algorithm.declared_updates(kinds[0].context)  # as they were declared before the run
        self.memory = memory

    def work(self, message: Request) -> Update:
        """Do a stage's client half.

        Raises:
            RefusedError: the client diverged, or its update is not what was declared.
        """
        match message.stage:
            case "statistics":
                update = self._statistics(message)
                guard(update, statistics_specs(self._corpus, self._experiment))
            case "train":
                update = self._train(message)
            case "evaluate":
                update = self._evaluate(message)
                guard(update, evaluation_specs(self._corpus, message.split))
            case _:
                raise RefusedError(f"no stage `{message.stage}`")
        return update

    def _train(self, message: Request) -> Update:
        number = message.client % len(self._kinds)
        if self._contexts[number].round != message.round:
            self._contexts[number] = replace(self._kinds[number].context, round=message.round)
        drawn = draw_fault(self._algorithm, self._experiment, message.round, message.client)
        if drawn.drops_out:
            raise RefusedError("dropped out (conditions.drop_out)")
        data, learner = self._client_data[message.client], self._kinds[number].learner
        view = data.view(self._corpus)
        client = Client(
            index=message.client,
            data=data,
            learner=learner,
            label=view.label,
            counts=self._counts(data, view),
            context=self._contexts[number],
            work=drawn.work,
        )
        memory = self.memory.read(message.client, at=message.round - 1)
        try:
            with learner.using_view(view):
                update, kept = self._algorithm.client_round(message.state, client, memory)
        except DivergedError as error:
            raise RefusedError(str(error)) from None
        guard(update, self._leaves)
        self.memory.write(message.client, message.round, kept)
        return update

    def _statistics(self, message: Request) -> Update:
        """Column means and mean squares over the utterances held, label frequencies: what is wanted."""
        experiment, data = self._experiment, self._client_data[message.client]
        view = data.view(self._corpus)
        tensors: Tensors = {}
        weights: dict[str, float] = {}
        if experiment.features.standardise == "federated":
            held = rows_of(self._corpus, data.conversations)
            for name in _standardised(self._corpus):
                array = self._corpus.features[name]
                values = array[held[view.present[name][held]]].astype(np.float64)
                if len(values) > 1:  # the mean of one is the utterance itself
                    tensors[f"features/{name}/mean"] = values.mean(axis=0)
                    tensors[f"features/{name}/mean_square"] = (values**2).mean(axis=0)
                    weights[f"features/{name}"] = float(len(values))
        if tells_label_frequencies(experiment):
            counts = self._counts(data, view).astype(np.float64)
            weights["statistics"] = float(counts.sum())
            tensors["statistics/label_frequency"] = counts / max(counts.sum(), 1)
        return Update(tensors, weights)

    def _evaluate(self, message: Request) -> Update:
        kind = self._kinds[message.client % len(self._kinds)]
        memory = self.memory.read(message.client, at=message.round)
        model = self._algorithm.model_for(message.state, memory, kind.context)
        view = self._client_data[message.client].view(self._corpus)
        with kind.learner.using_view(view):
            judged = evaluate_modes(
                self._algorithm, message.state, model, kind.learner, self._corpus, message.split
            )
        return Update(as_tensors(judged))

    def _counts(self, data: ClientData, view: ConversationCorpus) -> npt.NDArray[np.int64]:
        """int64 [classes]: what a client takes its supervised utterances for."""
        return np.bincount(view.label[data.supervised], minlength=len(view.classes))


def tells_label_frequencies(experiment: Experiment) -> bool:
    """Whether clients tell how frequent each class is with them: where their learning makes use of it."""
    return experiment.training.asks_everybody and find(experiment.algorithm).balances


def statistics_specs(corpus: ConversationCorpus, experiment: Experiment) -> dict[str, Spec]:
    """The tensors that a client may send in the statistics stage."""
    return _statistics(corpus, experiment, ("mean", "mean_square"), "float64")


def published_statistics_specs(
    corpus: ConversationCorpus, experiment: Experiment
) -> dict[str, Spec]:
    """What the server makes of them and sends with every message."""
    return _statistics(corpus, experiment, ("mean", "scale"), "float32")


def _statistics(
    corpus: ConversationCorpus, experiment: Experiment, parts: Sequence[str], dtype: str
) -> dict[str, Spec]:
    found = {}
    if experiment.features.standardise == "federated":
        for name, m in _standardised(corpus).items():
            for part in parts:
                found[f"features/{name}/{part}"] = Spec(m.shape, dtype)
    if tells_label_frequencies(experiment):
        found["statistics/label_frequency"] = Spec((len(corpus.classes),), "float64")
    return found


def _standardised(corpus: ConversationCorpus) -> dict[str, Modality]:
    """The modalities of which statistics are taken: all but images, whose pixels have no meaning each."""
    return {name: m for name, m in corpus.modalities.items() if not m.is_image}


@cache
def _name(dtype: np.dtype[Any]) -> str:
    """`str(dtype)`, which numpy puts together anew each time, as slowly as all else in `guard`."""
    return str(dtype)


def _is_finite(array: npt.NDArray[Any]) -> bool:
    """Whether all numbers are; the sum of squares tells fastest, unless it overflows itself."""
    flat = array.ravel()
    return isfinite(flat.dot(flat)) or bool(np.isfinite(flat).all())


def guard(update: Update, declared: Mapping[str, Spec]) -> None:
    """Let nothing out that the algorithm did not declare, and no number that is not finite.

    Raises:
        RefusedError: naming the tensor, the blob or the number.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        for name, array in update.tensors.items():
            spec = declared.get(name)
            if spec is None or (spec.shape, spec.dtype) != (array.shape, _name(array.dtype)):
                raise RefusedError(
                    f"`{name}` ({array.dtype}{list(array.shape)}) may not leave a client"
                )
            if array.dtype.kind == "f" and not _is_finite(array):
                raise RefusedError(f"`{name}` holds numbers that are not finite")
    for name in update.blobs:
        if name not in declared:
            raise RefusedError(f"`{name}` (bytes) may not leave a client")
    for numbers in (update.scalars, update.weights, update.fallback):
        for name, value in numbers.items():
            if not isfinite(value):
                raise RefusedError(f"`{name}` is not finite")
