"""How a feature file is told from another: by what it holds, never by its name."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from fedaffect.corpus.formats.families import FAMILIES, Family
from fedaffect.errors import UserError

LETTERS = ("M", "F")
SENTIMENTS = range(3)
"""0 neutral, 1 positive, 2 negative: fewer than emotions, which tells the two fields apart."""


@dataclass(frozen=True)
class Recognition:
    """A family, the widths found in the file, and one line on why this family."""

    family: Family
    widths: Mapping[str, int]
    reason: str


def recognise(
    file: Path, content: Sequence[Any], name: str | None = None, *, files: int = 1
) -> Recognition:
    """The family of a file, by number of fields, their types, widths and ranges of values.

    Args:
        name: a family's name: its order of fields is taken as given, its widths from the file.
        files: how many files the fields come from; only families of so many come into question.

    Raises:
        UserError: no family fits (the message says what the nearest one lacks), or no such name.
    """
    if name is not None:
        return _as_named(file, content, name, files)
    families = [family for family in FAMILIES if family.files == files]
    # A file may have one more field than its family, of unknown meaning; the exact number goes first.
    order = sorted(families, key=lambda family: len(content) != len(family.fields))
    differences = {f.name: [*_layout(content, f), *_values(content, f)] for f in order}
    for family in order:
        if not differences[family.name]:
            return _recognition(content, family, "recognised by")
    nearest = min(
        order, key=lambda f: (not _fits_number(content, f), len(differences[f.name]))
    ).name
    raise UserError(
        f"{file}: fits no known feature file; nearest {nearest}, but {differences[nearest][0]}; "
        "if you know the order of its fields, give it with --family (one of "
        f"{', '.join(f.name for f in families)})"
    )


def _as_named(file: Path, content: Sequence[Any], name: str, files: int) -> Recognition:
    family = next((f for f in FAMILIES if f.name == name), None)
    if family is None:
        raise UserError(
            f"--family {name}: no such family; one of {', '.join(f.name for f in FAMILIES)}"
        )
    if family.files != files:
        raise UserError(
            f"{file}: --family {name}: it has {family.files} files, not {files}; "
            f"give {'their folder' if family.files > 1 else 'the file'}"
        )
    seen = {m: _width(content, family, m) or 0 for m in family.widths}
    differences = _layout(content, replace(family, widths=seen))
    if differences:
        raise UserError(
            f"{file}: --family {name}: {differences[0]}; its fields are {' '.join(family.fields)}"
        )
    return _recognition(content, family, "as told;")


def _recognition(content: Sequence[Any], family: Family, how: str) -> Recognition:
    widths = {m: _width(content, family, m) or 0 for m in family.widths}
    data = family.dataset
    speakers = "/".join(LETTERS) if data.speaker == "letter" else data.speaker
    seen = [f"{len(content)} fields", f"{data.identifier} ids", f"{speakers} speakers"]
    seen += [f"{m} {width}" for m, width in widths.items()]
    seen += [f for f in ("sentiment", "sentence") if f in family.fields]
    return Recognition(family, widths, f"{family.name}, {how} {', '.join(seen)}")


def _layout(content: Sequence[Any], family: Family) -> list[str]:
    """What keeps the file from having this family's fields, most telling first; empty where none does."""
    found = []
    if not _fits_number(content, family):
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


def _fits_number(content: Sequence[Any], family: Family) -> bool:
    return len(content) in (len(family.fields), len(family.fields) + 1)


def _values(content: Sequence[Any], family: Family) -> Iterator[str]:
    """What speaks against this order of fields: two that are alike in layout may have been exchanged.

    Most dialogues decide, so that one damaged entry is reported as such, by its name, when it is read.
    """
    letters = family.dataset.speaker == "letter"
    kinds: dict[str, tuple[str, Callable[[object], bool]]] = {
        "speaker": ("M or F", _is_letter) if letters else ("one-hot vectors", _is_one_hot),
        "label": ("whole numbers", _is_whole),
        "sentiment": ("whole numbers", _is_whole),
        "again": ("whole numbers", _is_whole),
        "sentence": ("texts", lambda value: isinstance(value, str)),
    }
    for field, (kind, fits) in kinds.items():
        if field in family.fields:
            first = [entries[0] for entries in _lists(_field(content, family, field))]
            if 2 * sum(map(fits, first)) <= len(first):
                yield f"its field `{field}` holds no {kind}"
    if "sentiment" in family.fields:
        for entries in _lists(_field(content, family, "sentiment")):
            wrong = [n for n in entries if isinstance(n, Integral) and n not in SENTIMENTS]
            if wrong:
                yield f"its sentiments hold {wrong[0]}, which only emotions do"
                break
    yield from _sizes(content, family)


def _sizes(content: Sequence[Any], family: Family) -> Iterator[str]:
    """Of the published splits train is the largest and dev the smallest."""
    splits = [s for s in ("train", "test", "dev") if s in family.fields]
    sizes = [_size(_field(content, family, split)) for split in splits]
    for larger, smaller in ((0, 1), (1, 2)):
        if smaller < len(sizes) and 0 < sizes[larger] < sizes[smaller]:
            yield (
                f"{splits[smaller]} has {sizes[smaller]} dialogues and {splits[larger]} only "
                f"{sizes[larger]}, as if they were exchanged"
            )


def _size(split: object) -> int:
    return len(split) if isinstance(split, Set) or is_list(split) else 0


def _field(content: Sequence[Any], family: Family, field: str) -> Any:
    position = family.fields.index(field)
    return content[position] if position < len(content) else None


def _lists(by_dialogue: object) -> Iterator[Sequence[Any]]:
    """The entries of every dialogue that has some."""
    if isinstance(by_dialogue, Mapping):
        for entries in by_dialogue.values():
            if is_list(entries) and len(entries):
                yield entries


def _width(content: Sequence[Any], family: Family, modality: str) -> int | None:
    """The length of the first utterance's vector; None where there is no vector."""
    for entries in _lists(_field(content, family, modality)):
        vector = entries[0]
        return len(vector) if is_list(vector) else None
    return None


def is_list(value: object) -> TypeGuard[Sequence[Any]]:
    """A list in any of the shapes files use: list, tuple, array of at least one dimension."""
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _is_letter(value: object) -> bool:
    return isinstance(value, str) and value in LETTERS


def _is_one_hot(value: object) -> bool:
    return is_list(value) and not isinstance(value[0] if len(value) else "", str)


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral)


def _identifier(key: object) -> str:
    if isinstance(key, str):
        return "text"
    return "number" if isinstance(key, Integral) else type(key).__name__
