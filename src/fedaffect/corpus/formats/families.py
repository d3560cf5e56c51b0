"""The pickled feature files of the field: which fields each holds, in which order.

Names of files say nothing: `IEMOCAP_features.pkl` exists with 100/1582/342 and with 100/100/512 columns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

IGNORED = "-"
"""A field that is not read: utterance texts above all."""


@dataclass(frozen=True)
class Dataset:
    """What a recorded corpus fixes for every file made from it.

    Attributes:
        speaker: `letter`: M or F; `one-hot`: numbered by first appearance inside the dialogue.
        dev: the dialogues of a published development split, where one is known.
    """

    name: str
    identifier: Literal["text", "number"]
    speaker: Literal["letter", "one-hot"]
    classes: tuple[str, ...]
    dev: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Family:
    """A file layout: the fields of the pickled sequence in order, and the widths of its modalities.

    A field `dev` is a development split of the file's own; `again` are the labels of a second file, which
    must be the first one's; `sentence` and `sentiment` are looked at to tell files apart, and not kept.
    Without widths a file holds texts and labels, and nothing to learn from.

    Attributes:
        files: how many files its fields are spread over.
    """

    name: str
    dataset: Dataset
    fields: tuple[str, ...]
    widths: Mapping[str, int]
    files: int = 1


IEMOCAP = Dataset(
    name="IEMOCAP",
    identifier="text",
    speaker="letter",
    classes=("happy", "sad", "neutral", "angry", "excited", "frustrated"),
    # The development split of COSMIC (Ghosal et al. 2020), the only public one.
    dev=frozenset(
        (
            *("Ses01M_impro01", "Ses01M_script03_1"),
            *("Ses02F_impro02", "Ses02F_impro07", "Ses02M_script01_2"),
            *("Ses03F_impro01", "Ses03M_impro02", "Ses03M_impro08a"),
            *("Ses03M_script02_2", "Ses03M_script03_2"),
            *("Ses04F_impro07", "Ses04F_script02_1"),
        )
    ),
)
MELD = Dataset(
    name="MELD",
    identifier="number",
    speaker="one-hot",
    classes=("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger"),
)


def _fields(text: str) -> tuple[str, ...]:
    return tuple(text.split(" "))


_SDT_IEMOCAP = {"text": 1024, "audio": 1582, "visual": 342}
_SDT_MELD = {"text": 1024, "audio": 300, "visual": 342}
_MULTIEMO = {"text": 768, "audio": 512, "visual": 1000}

FAMILIES = (
    Family(
        "sdt-iemocap",  # GraphSmile's as well
        IEMOCAP,
        # Of the four stored RoBERTa layers SDT uses the first.
        _fields("id speaker label text - - - audio visual - train test"),
        _SDT_IEMOCAP,
    ),
    Family(
        "sdt-meld",
        MELD,
        _fields("id speaker label text - - - audio visual - train test -"),
        _SDT_MELD,
    ),
    Family(
        "graphsmile-meld",
        MELD,
        _fields("id speaker label sentiment text - - - audio visual - train test -"),
        _SDT_MELD,
    ),
    Family(
        "mmgcn-iemocap",
        IEMOCAP,
        _fields("id speaker label text audio visual - train test"),
        {"text": 100, "audio": 1582, "visual": 342},
    ),
    Family(
        "mmgcn-meld",
        MELD,
        _fields("id speaker label text audio visual - train test -"),
        {"text": 600, "audio": 300, "visual": 342},
    ),
    Family(
        "dialoguernn-iemocap",
        IEMOCAP,
        _fields("id speaker label text audio visual - train test"),
        {"text": 100, "audio": 100, "visual": 512},
    ),
    Family(
        "dialoguernn-meld",
        MELD,
        _fields("id speaker label text audio - train test sentiment"),
        {"text": 600, "audio": 300},
    ),
    Family(
        "cosmic-iemocap",
        IEMOCAP,
        # Test comes before dev.
        _fields("speaker label text - - - - train test dev"),
        {"text": 1024},
    ),
    Family(
        "cosmic-meld",
        MELD,
        _fields("speaker label sentiment text - - - - train test dev"),
        {"text": 1024},
    ),
    Family("cosmic-iemocap-texts", IEMOCAP, _fields("speaker label sentence train test dev"), {}),
    Family(
        "cosmic-meld-texts",
        MELD,
        _fields("speaker label sentiment sentence train test dev"),
        {},
    ),
    # From here on several files, whose fields are counted through in the order given here.
    Family(
        "m3net-iemocap",  # COSMIC's file, then MMGCN's, of which M3NET reads audio and visual
        IEMOCAP,
        _fields("speaker label text - - - - train test dev - - again - audio visual - - -"),
        _SDT_IEMOCAP,
        files=2,
    ),
    Family(
        "m3net-meld",
        MELD,
        _fields(
            "speaker label sentiment text - - - - train test dev - - again - audio visual - - - -"
        ),
        _SDT_MELD,
        files=2,
    ),
    Family(
        "multiemo-iemocap",  # Speakers, TextFeatures, AudioFeatures, VisualFeatures
        IEMOCAP,
        _fields("id speaker label - - - - train test text audio visual"),
        _MULTIEMO,
        files=4,
    ),
    Family(
        "multiemo-meld",
        MELD,
        _fields("id speaker label - - - - train test - text audio visual"),
        _MULTIEMO,
        files=4,
    ),
)
