"""Faces and windows of body signals put side by side, anew with each seed."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.classes import ClassMap
from fedaffect.corpus.pairing import FER2013_TO_WESAD, Pairs, pair_by_label, split_by_person
from fedaffect.corpus.schema import Corpus, Provenance
from fedaffect.schema import SPLITS, Flags, Integers
from research.wesad.windows import Rows, Windows

FACE, BODY = "face", "body"
STATES = ("amusement", "baseline", "stress")
Probability = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Pairing:
    """Pairs of a face and a window, and their split, drawn by one seed.

    Attributes:
        bodies: all windows, split by person.
        split: int64 [pairs], index into SPLITS.
        names: maps the classes of faces to the states.
    """

    seed: int
    windows: Windows
    bodies: Corpus
    pairs: Pairs
    split: Integers
    names: ClassMap

    @classmethod
    def of(cls, faces: Corpus, windows: Windows, seed: int) -> "Pairing":
        bodies = split_by_person(_as_corpus(windows), seed=seed)
        pairs = pair_by_label(faces, bodies, FER2013_TO_WESAD, seed)
        assert pairs.classes == STATES
        names = ClassMap.of(faces.classes, STATES, FER2013_TO_WESAD)
        return cls(seed, windows, bodies, pairs, bodies.split[pairs.body], names)

    @property
    def label(self) -> Integers:
        return self.pairs.label

    def part(self, split: str) -> Flags:
        """bool [pairs]"""
        return np.equal(self.split, SPLITS.index(split))

    def scaled(self) -> tuple[Windows, Rows]:
        """The training windows, and the columns of all windows, standardised by the training windows."""
        train = self.windows.only(self.bodies.items_in("train"))
        scaled, every = train.scaled_for(self.windows)
        return scaled, every.rows

    def of_faces(self, probability: Probability) -> Probability:
        """[pairs, states] of [faces, classes]."""
        return self.names.probabilities(probability[self.pairs.face])


def _as_corpus(windows: Windows) -> Corpus:
    zeros = np.zeros(len(windows.label), np.int64)
    return Corpus(
        name="WESAD, wrist",
        classes=STATES,
        features={BODY: windows.rows},
        present={BODY: np.ones(len(zeros), bool)},
        label=windows.label,
        person=np.searchsorted(windows.people, windows.subject),
        persons=tuple(f"S{person}" for person in windows.people),
        split=zeros,
        provenance=Provenance("WESAD", "0" * 64, "windows of 30 s"),
    )
