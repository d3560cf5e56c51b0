"""Outputs of finished face runs on clean and corrupted faces; each is computed once and cached."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.batching import rows_of
from fedaffect.corpus.corruption import corrupt
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.corpus.store import sha256_of
from fedaffect.corpus.subsets import copies_of_train, select_conversations
from fedaffect.errors import UserError
from fedaffect.learning import predictor, saved
from fedaffect.report.formatting import count
from fedaffect.runs.execute import open_corpus
from fedaffect.schema import UNLABELLED
from fedaffect.studies.evaluate.judge import blocks

FACE = "face"
SEED = 0
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FaceOutputs:
    """Probabilities float32 [items, classes of the model] and embeddings [items, d]."""

    probability: Floats
    embedding: Floats


def load_faces(data: str) -> ConversationCorpus:
    """The corpus; test faces that are also in train lose their label, so no pair and no score has them."""
    corpus = open_corpus(data).with_modalities((FACE,))
    label = np.where(copies_of_train(corpus), UNLABELLED, corpus.label)
    return replace(corpus, label=label, votes=None)


@dataclass(frozen=True)
class FaceRun:
    """A finished run with one global model, and the cache of its outputs.

    A cache entry belongs to the bytes of the model and of the corpus: another model never reads it.

    Raises:
        UserError: the run saved one model for each client.
    """

    name: str
    folder: Path
    corpus: ConversationCorpus
    cache: Path

    def __post_init__(self) -> None:
        members = saved.read_config(self.folder / "model").members
        if members != ("model",):
            raise UserError(
                f"{self.folder}: {len(members)} models, one a client; give a run with one for all"
            )

    @property
    def description(self) -> str:
        """How the model was trained, in words, and its accuracy on clean test faces."""
        experiment = saved.read_config(self.folder / "model").experiment
        words = [f"`{experiment.algorithm.name}`", f"seed {experiment.seed}"]
        words.append(
            f"{experiment.rounds.count} rounds of {count(experiment.training.local_epochs, 'epoch')}"
        )
        if experiment.algorithm.name != "centralised":
            partition = experiment.partition
            skew = f"({partition.alpha:g})" if partition.name == "dirichlet" else ""
            words.insert(1, f"{partition.clients} clients, {partition.name}{skew}")
        if experiment.conditions.corrupted_pictures:
            words.append(f"{experiment.conditions.corrupted_pictures:.0%} of the pictures spoilt")
        accuracy = self.test_accuracy(self.clean().probability)
        return f"{', '.join(words)}: accuracy {accuracy:.3f} in seven classes on clean test faces"

    def clean(self) -> FaceOutputs:
        """Outputs for every face as it is."""

        def compute() -> FaceOutputs:
            parts = []
            every = np.arange(len(self.corpus.conversations))
            for conversations in blocks(self.corpus, every):
                parts.append(self._predict(select_conversations(self.corpus, conversations)))
            return FaceOutputs(
                np.concatenate([p.probability for p in parts]),
                np.concatenate([p.embedding for p in parts]),
            )

        return self._cached("clean", compute)

    def corrupted(self, corruption: str, severity: int) -> Floats:
        """Probabilities float32 [items, classes] of corrupted test faces; NaN outside test."""
        conversations = self.corpus.conversations_in("test")
        rows = rows_of(self.corpus, conversations)

        def compute() -> FaceOutputs:
            part = select_conversations(self.corpus, conversations)
            images = corrupt(part.features[FACE], corruption, severity, seed=SEED, item=rows)
            return self._predict(replace(part, features={FACE: images}))

        name = f"{corruption}-{severity}".replace(" ", "-")
        outputs = self._cached(name, compute, embedding=False)
        whole = np.full((len(self.corpus), outputs.probability.shape[1]), np.nan, np.float32)
        whole[rows] = outputs.probability
        return whole

    def test_accuracy(self, probability: Floats) -> float:
        """In all classes, of the test faces that have a label."""
        label = self.corpus.label
        rows = self.corpus.items_in("test") & (label != UNLABELLED)
        return float((probability[rows].argmax(axis=1) == label[rows]).mean())

    def _predict(self, part: ConversationCorpus) -> FaceOutputs:
        learner, fitting = predictor.load(self.folder / "model", part, "model", "cpu")
        outputs = learner.predict(np.arange(len(fitting.conversations)))
        return FaceOutputs(outputs.probability, outputs.embedding)

    def _cached(
        self, name: str, compute: Callable[[], FaceOutputs], embedding: bool = True
    ) -> FaceOutputs:
        file = self._cache_folder / f"{name}.npz"
        if not file.is_file():
            print(f"{self.name}: {name}", flush=True)
            outputs = compute()
            arrays = {"probability": outputs.probability}
            arrays |= {"embedding": outputs.embedding} if embedding else {}
            temporary = file.with_name(f".{file.name}")
            with temporary.open("wb") as stream:
                np.savez(stream, **arrays)
            temporary.replace(file)
        with np.load(file, allow_pickle=False) as stored:
            empty = np.zeros((len(stored["probability"]), 0), np.float32)
            return FaceOutputs(stored["probability"], stored.get("embedding", empty))

    @cached_property
    def _cache_folder(self) -> Path:
        digest = sha256_of(self.folder / "model" / "model.safetensors")[:12]
        folder = self.cache / f"{digest}-{self.corpus.provenance.sha256[:8]}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder
