"""From images of faces to a corpus: each face is a conversation of one utterance."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.formats.assemble import VOTES, assemble
from fedaffect.corpus.schema import Array, ConversationCorpus, Provenance

MODALITY = "face"
NOBODY = "unknown"

FER2013 = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The classes of FER2013 (Goodfellow et al. 2013), in the order of its numbers."""

USAGE = {"Training": "train", "PublicTest": "dev", "PrivateTest": "test"}
"""What its parts are called there, and what they are here."""


def corpus_of(
    where: Path,
    images: npt.NDArray[np.uint8],
    label: Array,
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
        where: the file that an error shall name.
        images: uint8 [faces, height, width].
        label: integers [faces], index into `classes`, or `UNLABELLED`.
        split: `train`, `dev` or `test` of each.
        names: of each.
        votes: numbers [faces, classes], as `Corpus.votes`.

    Raises:
        UserError: as `assemble`.
    """
    zeros = np.zeros(len(images), np.int64)
    columns: dict[str, Array] = {
        "label": label,
        "label_names": np.array(classes),
        "dialogue": np.arange(len(images)),
        "dialogue_names": np.array(names),
        "turn": zeros,
        "split": np.array(split),
        "role": zeros,
        "speaker": zeros,
        "speaker_names": np.array([NOBODY]),
    }
    if votes is not None:
        columns[VOTES] = votes
    return assemble(where, columns, {MODALITY: images}, {}, name=name, provenance=provenance)
