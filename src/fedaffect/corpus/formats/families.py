"""The pickled feature files of the field: which fields each holds, in which order.

Names of files say nothing: `IEMOCAP_features.pkl` exists with 100/1582/342 and with 100/100/512 columns.
"""

from collections.abc import Iterator, Mapping
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
            *("Ses01M_impro01", "Ses01M_script03_1", "Ses02F_impro02", "Ses02F_impro07"),
            *("Ses02M_script01_2", "Ses03F_impro01", "Ses03M_impro02", "Ses03M_impro08a"),
            *("Ses03M_script02_2", "Ses03M_script03_2", "Ses04F_impro07", "Ses04F_script02_1"),
        )
    ),
)
MELD = Dataset(
    name="MELD",
    identifier="number",
    speaker="one-hot",
    classes=("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger"),
)

# Name: widths of text, audio and visual: fields. Of four stored RoBERTa layers the first is read.
_LAYOUTS = """
sdt-iemocap: 1024 1582 342: id speaker label text - - - audio visual - train test
sdt-meld: 1024 300 342: id speaker label text - - - audio visual - train test -
graphsmile-meld: 1024 300 342: id speaker label sentiment text - - - audio visual - train test -
mmgcn-iemocap: 100 1582 342: id speaker label text audio visual - train test
mmgcn-meld: 600 300 342: id speaker label text audio visual - train test -
dialoguernn-iemocap: 100 100 512: id speaker label text audio visual - train test
dialoguernn-meld: 600 300: id speaker label text audio - train test sentiment
cosmic-iemocap: 1024: speaker label text - - - - train test dev
cosmic-meld: 1024: speaker label sentiment text - - - - train test dev
cosmic-iemocap-texts:: speaker label sentence train test dev
cosmic-meld-texts:: speaker label sentiment sentence train test dev
"""
# Of several files, whose fields are counted through: COSMIC's, then MMGCN's for audio and visual ...
_TWO_FILES = """
m3net-iemocap: 1024 1582 342: speaker label text - - - - train test dev - - again - audio visual - - -
m3net-meld: 1024 300 342: speaker label sentiment text - - - - train test dev - - again - audio visual - - - -
"""
# ... and Speakers, TextFeatures, AudioFeatures, VisualFeatures.
_FOUR_FILES = """
multiemo-iemocap: 768 512 1000: id speaker label - - - - train test text audio visual
multiemo-meld: 768 512 1000: id speaker label - - - - train test - text audio visual
"""


def _families(table: str, files: int) -> Iterator[Family]:
    for line in table.strip().splitlines():
        name, widths, fields = line.split(":")
        known = dict(zip(("text", "audio", "visual"), map(int, widths.split()), strict=False))
        dataset = MELD if "meld" in name else IEMOCAP
        yield Family(name, dataset, tuple(fields.split()), known, files)


FAMILIES = (*_families(_LAYOUTS, 1), *_families(_TWO_FILES, 2), *_families(_FOUR_FILES, 4))
