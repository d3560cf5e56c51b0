"""Whole federations small enough for a test, and a learner whose every answer is set by hand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.experiment import Experiment
from fedaffect.federation.events import read
from fedaffect.federation.server.round_loop import Outcome
from fedaffect.federation.simulation import Simulation
from fedaffect.learning.learner import Fit, FitOptions, Outputs

BASE = (
    "model.width=8",
    "model.heads=2",
    "model.dropout=0.1",
    "training.learning_rate=0.01",
    "training.batch_size=2",
    "partition.clients=3",
    "rounds.count=3",
)


@pytest.fixture(scope="session")
def tiny() -> Callable[..., Experiment]:
    """`tiny("fedprox", "rounds.count=2")`: an experiment that takes a fraction of a second."""

    def build(algorithm: str = "fedavg", *settings: str) -> Experiment:
        return Experiment().with_settings([*BASE, f"algorithm.name={algorithm}", *settings])

    return build


@pytest.fixture(scope="session")
def corpus(make_corpus: Any) -> ConversationCorpus:
    """Eight conversations to train on, two for dev, two for test; some turns lack their audio."""
    return make_corpus(conversations=12, splits=[0] * 8 + [1] * 2 + [2] * 2, missing=0.2)


@dataclass(frozen=True)
class Finished:
    """A run after its end."""

    simulation: Simulation
    outcome: Outcome
    folder: Path

    @property
    def events(self) -> list[dict[str, Any]]:
        return list(read(self.folder / "events.jsonl"))

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [e for e in self.events if e["kind"] == kind]

    @property
    def figures(self) -> dict[str, Any]:
        """`run_finished` without what may differ between two executions."""
        last = self.of_kind("run_finished")[-1]
        return {
            k: v for k, v in last.items() if k not in ("n", "time", "timing", "previous", "hash")
        }


@pytest.fixture
def simulate(tmp_path: Path, corpus: ConversationCorpus) -> Callable[..., Finished]:
    """Run an experiment to its end, in `tmp_path/NAME`; the same name resumes."""
    from fedaffect.learning.torch.trainer import ConversationTrainer

    def run(
        experiment: Experiment,
        name: str = "run",
        *,
        listeners: Sequence[Any] = (),
        on: ConversationCorpus | None = None,
        wrap: Callable[[Any], Any] = lambda learner: learner,
    ) -> Finished:
        data = on or corpus
        folder = tmp_path / name
        learner = wrap(ConversationTrainer(data, experiment))
        simulation = Simulation(experiment, data, learner, folder, tuple(listeners))
        return Finished(simulation, simulation.run("test"), folder)

    return run


@dataclass
class Stub:
    """A learner that learns nothing: embeddings a row of the corpus, a model a client's name.

    Attributes:
        embedding: float32 [items, d].
        learnt: what `model/w` is after `fit`, by the share's name.
        fits: the arguments of every call of `fit`.
    """

    corpus: ConversationCorpus
    embedding: np.ndarray
    learnt: Mapping[str, Sequence[float]]
    weight: np.ndarray = field(default_factory=lambda: np.zeros(1, np.float32))
    fits: list[dict[str, Any]] = field(default_factory=list)

    @property
    def embedding_dim(self) -> int:
        return self.embedding.shape[1]

    def get(self) -> dict[str, np.ndarray]:
        return {"model/w": self.weight.copy()}

    def set(self, tensors: Mapping[str, np.ndarray]) -> None:
        self.weight = tensors["model/w"].copy()

    def fit(self, data: Any, options: FitOptions) -> Fit:
        self.fits.append({"share": data.name, "start": self.weight.copy(), **vars(options)})
        self.weight = np.array(self.learnt[data.name], np.float32)
        return Fit(1.0, {"task": 1.0}, 1)

    def predict(self, conversations: np.ndarray) -> Outputs:
        item = np.flatnonzero(np.isin(self.corpus.conversation, conversations))
        probability = np.full((len(item), len(self.corpus.classes)), 0.1, np.float32)
        weights = np.ones((len(item), len(self.corpus.features)), np.float32)
        return Outputs(item, probability, self.embedding[item], weights)


@pytest.fixture(scope="session")
def stub() -> type[Stub]:
    return Stub
