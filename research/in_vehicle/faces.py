"""What finished face runs say of faces, as they are and spoilt; each answer is computed once and kept."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.batching import rows_of
from fedaffect.corpus.copies import copies_of_train
from fedaffect.corpus.corruption import corrupt
from fedaffect.corpus.part import part_of
from fedaffect.corpus.schema import UNLABELLED, ConversationCorpus
from fedaffect.corpus.store import sha256_of
from fedaffect.errors import UserError
from fedaffect.learning import saved
from fedaffect.report.formatting import count
from fedaffect.runs.execute import open_corpus
from fedaffect.studies.evaluate.judge import blocks

FACE = "face"
SEED = 0
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Answers:
    """Probabilities float32 [items, classes of the model] and embeddings [items, d]."""

    probability: Floats
    embedding: Floats


def faces_of(data: str) -> ConversationCorpus:
    """The corpus; without labels of test faces that are in train too: in no pair, in no score."""
    corpus = open_corpus(data).with_modalities((FACE,))
    label = np.where(copies_of_train(corpus), UNLABELLED, corpus.label)
    return replace(corpus, label=label, votes=None)


@dataclass(frozen=True)
class FaceRun:
    """A finished run with one model for all, and where its answers are kept.

    What is kept belongs to the bytes of the model and of the corpus: after another training it is not found.
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
    def about(self) -> str:
        """In words, how it was trained."""
        experiment = saved.read_config(self.folder / "model").experiment
        told = [f"`{experiment.algorithm.name}`", f"seed {experiment.seed}"]
        told.append(
            f"{experiment.rounds.count} rounds of {count(experiment.training.local_epochs, 'epoch')}"
        )
        if experiment.algorithm.name != "centralised":
            partition = experiment.partition
            skew = f"({partition.alpha:g})" if partition.name == "dirichlet" else ""
            told.insert(1, f"{partition.clients} clients, {partition.name}{skew}")
        if experiment.conditions.spoilt_pictures:
            told.append(f"{experiment.conditions.spoilt_pictures:.0%} of the pictures spoilt")
        accuracy = self.test_accuracy(self.clean().probability)
        return f"{', '.join(told)}: accuracy {accuracy:.3f} in seven classes on clean test faces"

    def clean(self) -> Answers:
        """Every face as it is."""

        def ask() -> Answers:
            parts = []
            every = np.arange(len(self.corpus.conversations))
            for conversations in blocks(self.corpus, every):
                parts.append(self._ask(part_of(self.corpus, conversations)))
            return Answers(
                np.concatenate([p.probability for p in parts]),
                np.concatenate([p.embedding for p in parts]),
            )

        return self._kept("clean", ask)

    def spoilt(self, corruption: str, severity: int) -> Floats:
        """Probabilities float32 [items, classes]; of test, the rest is NaN."""
        conversations = self.corpus.conversations_in("test")
        rows = rows_of(self.corpus, conversations)

        def ask() -> Answers:
            part = part_of(self.corpus, conversations)
            images = corrupt(part.features[FACE], corruption, severity, seed=SEED, item=rows)
            return self._ask(replace(part, features={FACE: images}))

        found = self._kept(f"{corruption}-{severity}".replace(" ", "-"), ask, embedding=False)
        whole = np.full((len(self.corpus), found.probability.shape[1]), np.nan, np.float32)
        whole[rows] = found.probability
        return whole

    def test_accuracy(self, probability: Floats) -> float:
        """In all classes, of the test faces that have a label."""
        label = self.corpus.label
        asked = self.corpus.items_in("test") & (label != UNLABELLED)
        return float((probability[asked].argmax(axis=1) == label[asked]).mean())

    def _ask(self, part: ConversationCorpus) -> Answers:
        learner, fitting = saved.load(self.folder / "model", part, "model", "cpu")
        outputs = learner.predict(np.arange(len(fitting.conversations)))
        return Answers(outputs.probability, outputs.embedding)

    def _kept(self, name: str, ask: Callable[[], Answers], embedding: bool = True) -> Answers:
        file = self._place / f"{name}.npz"
        if not file.is_file():
            print(f"{self.name}: {name}", flush=True)
            found = ask()
            kept = {"probability": found.probability}
            kept |= {"embedding": found.embedding} if embedding else {}
            aside = file.with_name(f".{file.name}")
            with aside.open("wb") as stream:
                np.savez(stream, **kept)
            aside.replace(file)
        with np.load(file, allow_pickle=False) as arrays:
            nothing = np.zeros((len(arrays["probability"]), 0), np.float32)
            return Answers(arrays["probability"], arrays.get("embedding", nothing))

    @cached_property
    def _place(self) -> Path:
        digest = sha256_of(self.folder / "model" / "model.safetensors")[:12]
        place = self.cache / f"{digest}-{self.corpus.provenance.sha256[:8]}"
        place.mkdir(parents=True, exist_ok=True)
        return place
