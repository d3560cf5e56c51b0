"""FER2013 with its own labels, or with FER+ (Barsoum et al. 2016): what ten people saw in each face."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fedaffect.corpus.formats.faces import FER2013, corpus_of
from fedaffect.corpus.schema import ConversationCorpus, Provenance
from fedaffect.schema import UNLABELLED, Array, Integers

TAGS = (
    *("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"),
    *("contempt", "unknown", "NF"),
)
"""What could be ticked, in the order of its columns; NF: no face."""

CLASSES = (*FER2013, "contempt")
_TAGGED = {"angry": "anger", "happy": "happiness", "sad": "sadness"}
_COLUMNS = [TAGS.index(_TAGGED.get(name, name)) for name in CLASSES]


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
        ticks: see `judged`; its labels then take the place of FER2013's, and its votes stand beside them.
    """
    votes, classes = None, FER2013 if ticks is None else CLASSES
    if ticks is not None:
        label, votes = judged(ticks)
        told = f"{provenance.reader}; labels by the votes of FER+"
        provenance = replace(provenance, reader=told)
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


def judged(ticks: Array) -> tuple[Integers, Array]:
    """The class that most saw, and the votes for each.

    Args:
        ticks: [faces, TAGS], how many people ticked what.

    Returns:
        int64 [faces], index into `CLASSES`; the first of the tags where several have the most votes, and
        `UNLABELLED` where that is `unknown` or `NF`, or nobody ticked anything. And [faces, CLASSES].
    """
    class_of = np.full(len(TAGS), UNLABELLED, np.int64)
    class_of[_COLUMNS] = np.arange(len(CLASSES))
    most = class_of[ticks.argmax(axis=1)]
    return np.where(ticks.any(axis=1), most, UNLABELLED), ticks[:, _COLUMNS]
