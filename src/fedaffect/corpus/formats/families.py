"""The pickled feature files of the field: which fields they hold, and how a file is told from another.

Names of files say nothing: `IEMOCAP_features.pkl` exists with 100/1582/342 and with 100/100/512 columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import Any, Literal, TypeGuard

import numpy as np

from fedaffect.errors import UserError

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
    """A file layout: the fields of the pickled sequence in order, and the widths of its modalities."""

    name: str
    dataset: Dataset
    fields: tuple[str, ...]
    widths: Mapping[str, int]


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


FAMILIES = (
    Family(
        "sdt-iemocap",
        IEMOCAP,
        # Of the four stored RoBERTa layers SDT uses the first.
        _fields("id speaker label text - - - audio visual - train test"),
        {"text": 1024, "audio": 1582, "visual": 342},
    ),
    Family(
        "sdt-meld",
        MELD,
        _fields("id speaker label text - - - audio visual - train test -"),
        {"text": 1024, "audio": 300, "visual": 342},
    ),
    Family(
        "graphsmile-meld",
        MELD,
        _fields("id speaker label - text - - - audio visual - train test -"),
        {"text": 1024, "audio": 300, "visual": 342},
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
        _fields("id speaker label text audio - train test -"),
        {"text": 600, "audio": 300},
    ),
)


@dataclass(frozen=True)
class Recognition:
    """A family, the widths found in the file, and one line on why this family."""

    family: Family
    widths: Mapping[str, int]
    reason: str


def recognise(file: Path, content: Any, name: str | None = None) -> Recognition:
    """The family of a file, by number of fields, types and widths.

    Args:
        name: a family's name: its order of fields is taken as given, its widths from the file.

    Raises:
        UserError: no family fits (the message says what the nearest one lacks), or no such name.
    """
    if not isinstance(content, list | tuple):
        raise UserError(
            f"{file}: holds a {type(content).__name__}, not the list of fields of a feature file"
        )
    if name is not None:
        return _as_told(file, content, name)
    # A file may have one more field than its family, of unknown meaning; the exact number goes first.
    order = sorted(FAMILIES, key=lambda family: len(content) != len(family.fields))
    differences = {family.name: _differences(content, family) for family in order}
    for family in order:
        if not differences[family.name]:
            return _recognition(content, family, "recognised by")
    nearest = min(differences, key=lambda n: len(differences[n]))
    raise UserError(
        f"{file}: fits no known feature file; nearest {nearest}, but {differences[nearest][0]}; "
        f"if you know the order of its fields, give it with --family (one of {_names()})"
    )


def _as_told(file: Path, content: Sequence[Any], name: str) -> Recognition:
    family = next((f for f in FAMILIES if f.name == name), None)
    if family is None:
        raise UserError(f"--family {name}: no such family; one of {_names()}")
    seen = {m: _width(content, family, m) or 0 for m in family.widths}
    differences = _differences(content, replace(family, widths=seen))
    if differences:
        raise UserError(
            f"{file}: --family {name}: {differences[0]}; its fields are {' '.join(family.fields)}"
        )
    return _recognition(content, family, "as told;")


def _recognition(content: Sequence[Any], family: Family, how: str) -> Recognition:
    widths = {m: _width(content, family, m) or 0 for m in family.widths}
    seen = ", ".join(f"{m} {width}" for m, width in widths.items())
    reason = f"{family.name}, {how} {len(content)} fields, {family.dataset.identifier} ids, {seen}"
    return Recognition(family, widths, reason)


def _differences(content: Sequence[Any], family: Family) -> list[str]:
    """What keeps the file from being of this family, most telling first; empty where it is."""
    found = []
    if len(content) not in (len(family.fields), len(family.fields) + 1):
        found.append(f"{len(content)} fields instead of {len(family.fields)}")
    labels = _field(content, family, "label")
    if not isinstance(labels, Mapping) or not labels:
        found.append("its labels are no dictionary by dialogue")
    elif _identifier(next(iter(labels))) != family.dataset.identifier:
        found.append(f"its dialogue ids are not {family.dataset.identifier}s")
    for modality, width in family.widths.items():
        seen = _width(content, family, modality)
        if seen is None or seen != width:
            found.append(f"{modality} is {seen or 'no vector'} instead of {width or 'some'} wide")
    return found


def _field(content: Sequence[Any], family: Family, field: str) -> Any:
    position = family.fields.index(field)
    return content[position] if position < len(content) else None


def _width(content: Sequence[Any], family: Family, modality: str) -> int | None:
    """The length of the first utterance's vector; None where there is no vector."""
    by_dialogue = _field(content, family, modality)
    if not isinstance(by_dialogue, Mapping):
        return None
    for utterances in by_dialogue.values():
        if is_list(utterances) and len(utterances):
            vector = utterances[0]
            return len(vector) if is_list(vector) else None
    return None


def is_list(value: object) -> TypeGuard[Sequence[Any]]:
    """A list in any of the shapes files use: list, tuple, array of at least one dimension."""
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _identifier(key: object) -> str:
    if isinstance(key, str):
        return "text"
    return "number" if isinstance(key, Integral) else type(key).__name__


def _names() -> str:
    return ", ".join(family.name for family in FAMILIES)
