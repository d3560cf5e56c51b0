"""A table of windows: a row a window, a column of people, one of labels, the others numbers.

Such a table is what a study of body signals passes on where its recordings may not leave. Columns of one
sensor are called alike: `EDA_mean` and `EDA_slope` are of the modality `EDA`.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.formats import tables
from fedaffect.corpus.formats.cells import Cell, indexed
from fedaffect.corpus.formats.origin import origin
from fedaffect.corpus.formats.tables import Numbered
from fedaffect.corpus.schema import (
    SPLITS,
    UNLABELLED,
    ConversationCorpus,
    Corpus,
    Integers,
    as_conversations,
)
from fedaffect.errors import UserError

MAXIMUM_BYTES = 2**33
ENOUGH = 5
"""Windows a person, a class or a value, from which on it is no chance that one goes with another."""

_SHOWN = 300
"""Letters that a message spends on a list of columns."""

Numbers = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are.

    Attributes:
        person: whose window it is, by name or number.
        label: name or number of the class; empty = unlabelled.
        modalities: those to read; None = all. A column's is its name up to the first `_`.
        leave_out: names, or patterns such as `ACC_*`, of columns that are no features.
        classes: the labels to learn, in order; rows with another are left out. None = all, sorted.
    """

    person: str
    label: str = "label"
    modalities: tuple[str, ...] | None = None
    leave_out: tuple[str, ...] = ()
    classes: tuple[str, ...] | None = None


def read(file: Path, columns: Columns, *, name: str) -> ConversationCorpus:
    """The corpus of a table, all of it in `train`; a window is a conversation of one utterance.

    A window whose cells of a modality are all empty lacks it; a single empty cell is NaN, which the check
    reports. Columns without a name, such as the row numbers that some programs write, are not read.

    Returns:
        features float32 [windows, columns] by modality, in the table's order of rows and of columns.

    Raises:
        UserError: a column that lacks; a cell that is not what its column promises (named by line and
            column); no window; or a column that tells who somebody is, or what the label is.
    """
    rows = tables.each(file)
    first = next(rows)
    features = _features(file, [*first[1]], columns)
    persons, labels, table = _windows(file, chain([first], rows), columns, features)
    classes = columns.classes or indexed(labels)[1]
    label = np.array([classes.index(x) if x else UNLABELLED for x in labels], np.int64)
    person, people = indexed(persons)
    _ensure_no_clue(file, features, table, person, "person: it tells who somebody is")
    _ensure_no_clue(file, features, table, label, "class: it is the label once more")
    streams = {m: table[:, [_modality(f) == m for f in features]] for m in map(_modality, features)}
    present = {m: np.any(~np.isnan(stream), axis=1) for m, stream in streams.items()}
    unread = sorted({*first[1]} - {columns.person, columns.label, *features, ""})
    reader = f"table of windows, person `{columns.person}`, label `{columns.label}`"
    corpus = Corpus(
        name=name,
        classes=classes,
        features={m: np.where(present[m][:, None], s, np.float32(0)) for m, s in streams.items()},
        present=present,
        label=label,
        person=person,
        persons=people,
        split=np.full(len(table), SPLITS.index("train"), np.int64),
        provenance=origin([file], reader + (f"; not read: {_listed(unread)}" if unread else "")),
    )
    return as_conversations(corpus, [*_names(persons)])


def _features(file: Path, names: Sequence[str], columns: Columns) -> list[str]:
    """The columns of features, in the table's order."""
    for column, option in ((columns.person, "--person"), (columns.label, "--label")):
        if column not in names:
            raise UserError(
                f"{file}: {column}: no such column; name it with {option}; there are {_listed(names)}"
            )
    for pattern in columns.leave_out:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UserError(
                f"{file}: --leave-out {pattern}: no such column; there are {_listed(names)}"
            )
    others = [n for n in names if n and n not in (columns.person, columns.label)]
    kept = [n for n in others if not any(fnmatchcase(n, p) for p in columns.leave_out)]
    known = {_modality(name) for name in kept}
    for modality in columns.modalities or ():
        if modality not in known:
            raise UserError(
                f"{file}: no column `{modality}_…`; there are columns of {_listed(sorted(known))}"
            )
    features = [n for n in kept if columns.modalities is None or _modality(n) in columns.modalities]
    if not features:
        raise UserError(f"{file}: no column of features is left; there are {_listed(names)}")
    return features


def _windows(
    file: Path, rows: Iterable[Numbered], columns: Columns, features: Sequence[str]
) -> tuple[list[str], list[str], Numbers]:
    """Persons, labels and float32 [windows, features] of the rows that are learnt from or unlabelled."""
    persons, labels, table = list[str](), list[str](), list[Numbers]()
    for line, row in rows:
        named = (columns.label, columns.person, *features)
        label, person, *numbers = (Cell(file, line, c, row.get(c)) for c in named)
        name = label.name(empty=True)
        if columns.classes is not None and name not in ("", *columns.classes):
            continue
        labels.append(name)
        persons.append(person.name())
        values = [n.number("mend the cell, or leave the column out (--leave-out)") for n in numbers]
        with np.errstate(over="ignore"):  # becomes Inf, which the check then reports
            table.append(np.array(values).astype(np.float32))
        if 4 * len(features) * len(table) > MAXIMUM_BYTES:
            raise UserError(f"{file}: over {MAXIMUM_BYTES} bytes of features; split the table")
    if not table or not (columns.classes or any(labels)):
        raise UserError(
            f"{file}: {columns.label}: no row is labelled {' or '.join(columns.classes or ['anything'])}; "
            "name the column of labels with --label, or classes that are in it"
        )
    return persons, labels, np.stack(table)


def _ensure_no_clue(
    file: Path, features: Sequence[str], table: Numbers, group: Integers, told: str
) -> None:
    """Refuses columns that have one value for each group, or values that one group alone has."""
    clues = []
    for feature, column in zip(features, table.T, strict=True):
        known = (group != UNLABELLED) & ~np.isnan(column)
        column, of = column[known], group[known]
        if _determines(of, column) or _determines(column, of):
            clues.append(feature)
    if clues:
        named = ",".join(clues)
        raise UserError(f"{file}: {named}: one value for each {told}; add --leave-out '{named}'")


def _determines(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    """Whether who knows the one knows the other, and both differ; not told where most are met only once."""
    values, place = np.unique(one, return_inverse=True)
    others, where = np.unique(other, return_inverse=True)
    if min(len(values), len(others)) < 2 or len(one) < ENOUGH * len(values):
        return False
    return len(np.unique(place * len(others) + where)) == len(values)


def _modality(column: str) -> str:
    return column.partition("_")[0]


def _names(persons: Sequence[str]) -> Iterator[str]:
    """`S2 window 1`, in the table's order."""
    met = Counter[str]()
    for person in persons:
        met[person] += 1
        yield f"{person} window {met[person]}"


def _listed(names: Collection[str]) -> str:
    text = ", ".join(names)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"
