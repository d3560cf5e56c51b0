"""From images of faces to a corpus: each is a conversation of one utterance, as FER2013 or FER+ labels it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.schema import ConversationCorpus, Corpus, Provenance, as_conversations
from fedaffect.schema import SPLITS, UNLABELLED, Array, Integers

MODALITY = "face"
NOBODY = "unknown"

FER2013 = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The classes of FER2013 (Goodfellow et al. 2013), in the order of its numbers."""

USAGE = {"Training": "train", "PublicTest": "dev", "PrivateTest": "test"}
"""What its parts are called there, and what they are here."""

TAGS = (
    *("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"),
    *("contempt", "unknown", "NF"),
)
"""What ten people could tick in FER+ (Barsoum et al. 2016), in the order of its columns; NF: no face."""

FERPLUS = (*FER2013, "contempt")
_TAGGED = {"angry": "anger", "happy": "happiness", "sad": "sadness"}
_COLUMNS = [TAGS.index(_TAGGED.get(name, name)) for name in FERPLUS]


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


def fer2013(
    images: Array,
    label: Integers,
    split: Sequence[str],
    ticks: Array | None,
    *,
    name: str,
    provenance: Provenance,
) -> ConversationCorpus:
    """The corpus of FER2013's faces, or of FER+'s where its ticks are given.

    Args:
        label: int64 [faces], index into `FER2013`.
        ticks: numbers [faces, TAGS], how many people ticked what; labels are then those of `majority`, and
            its votes stand beside them.
    """
    votes, classes = None, FER2013 if ticks is None else FERPLUS
    if ticks is not None:
        label, votes = majority(ticks)
        reader = f"{provenance.reader}; labels by the votes of FER+"
        provenance = replace(provenance, reader=reader)
    names = [f"face-{index}" for index in range(len(images))]
    return corpus_of(
        images,
        label,
        split,
        classes=classes,
        names=names,
        votes=votes,
        name=name,
        provenance=provenance,
    )


def majority(ticks: Array) -> tuple[Integers, Array]:
    """The class that most saw, and the votes for each.

    Args:
        ticks: [faces, TAGS], how many people ticked what.

    Returns:
        int64 [faces], index into `FERPLUS`; the first of the tags where several have the most votes, and
        `UNLABELLED` where that is `unknown` or `NF`, or nobody ticked anything. And [faces, FERPLUS].
    """
    class_of = np.full(len(TAGS), UNLABELLED, np.int64)
    class_of[_COLUMNS] = np.arange(len(FERPLUS))
    most = class_of[ticks.argmax(axis=1)]
    return np.where(ticks.any(axis=1), most, UNLABELLED), ticks[:, _COLUMNS]
