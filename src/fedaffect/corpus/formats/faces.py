"""From images of faces to a corpus: each face is a conversation of one utterance."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.schema import ConversationCorpus, Corpus, Provenance, as_conversations
from fedaffect.schema import SPLITS, Array, Integers

MODALITY = "face"
NOBODY = "unknown"

FER2013 = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The classes of FER2013 (Goodfellow et al. 2013), in the order of its numbers."""

USAGE = {"Training": "train", "PublicTest": "dev", "PrivateTest": "test"}
"""What its parts are called there, and what they are here."""


def corpus_of(
    images: npt.NDArray[np.uint8],
    label: Integers,
    split: Sequence[str],
    *,
    classes: Sequence[str],
    names: Sequence[str],
    name: str,
    provenance: Provenance,
    votes: Array | None = None,
) -> ConversationCorpus:
    """The corpus of these faces, whose one modality is `face`.

    Collections of faces do not tell whose they are: all are of one person, `unknown`, so that nobody takes a
    partition by person for one, and the check says that test may show people of train.

    Args:
        images: uint8 [faces, height, width].
        label: int64 [faces], index into `classes`, or `UNLABELLED`.
        split: `train`, `dev` or `test` of each.
        names: of each.
        votes: numbers [faces, classes], as `Corpus.votes`.
    """
    faces = Corpus(
        name=name,
        classes=tuple(classes),
        features={MODALITY: images},
        present={MODALITY: np.ones(len(images), bool)},
        label=label,
        person=np.zeros(len(images), np.int64),
        persons=(NOBODY,),
        split=np.array([SPLITS.index(part) for part in split], np.int64),
        provenance=provenance,
        votes=votes,
    )
    return as_conversations(faces, names)
