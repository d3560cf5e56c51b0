"""A table of windows: a row a window, a column of people, one of labels, the others numbers.

Such a table is what a study of body signals passes on where its recordings may not leave. Columns of one
sensor are called alike: `EDA_mean` and `EDA_slope` are of the modality `EDA`.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
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
from fedaffect.corpus.pairing import split_by_person
from fedaffect.corpus.schema import ConversationCorpus, Corpus, as_conversations
from fedaffect.errors import UserError
from fedaffect.importing.options import Options
from fedaffect.importing.readers.base import Reader
from fedaffect.importing.source import Source
from fedaffect.schema import SPLITS, UNLABELLED, Integers

MAXIMUM_BYTES = 2**33
ENOUGH = 5
"""Windows a person, a class or a value, from which on it is no chance that one goes with another."""

_SHOWN = 300
"""Letters that a message spends on a list of columns."""

Numbers = npt.NDArray[np.float32]


class WindowTable(Reader):
    """Any table whose column of persons is named; a window is a conversation of one utterance.

    A window whose cells of a modality are all empty lacks it; a single empty cell is NaN, which the check
    reports. Columns without a name, such as the row numbers that some programs write, are not read. Features
    are float32 [windows, columns] by modality, in the table's order of rows and of columns.
    """

    takes = ("modalities", "person", "label", "leave_out", "classes", "dev", "test")
    needs = ("person",)

    def recognises(self, source: Source) -> bool:
        return bool(source.table_head)

    def read(self, source: Source, options: Options) -> ConversationCorpus:
        file = source.path
        who, what = options.person or "", options.label or "label"
        rows = tables.each(file)
        first = next(rows)
        features = _features(file, [*first[1]], who, what, options)
        columns = (what, who, *features)
        persons, labels, table = _windows(file, chain([first], rows), columns, options.classes)
        classes = tuple(options.classes or indexed(labels)[1])
        label = np.array([classes.index(x) if x else UNLABELLED for x in labels], np.int64)
        person, people = indexed(persons)
        _ensure_no_clue(file, features, table, person, "person: it tells who somebody is")
        _ensure_no_clue(file, features, table, label, "class: it is the label once more")
        streams = {
            m: table[:, [_modality(f) == m for f in features]] for m in map(_modality, features)
        }
        present = {m: np.any(~np.isnan(stream), axis=1) for m, stream in streams.items()}
        unread = sorted({*first[1]} - {*columns, ""})
        reader = f"table of windows, person `{who}`, label `{what}`"
        corpus = Corpus(
            name=source.name,
            classes=classes,
            features={
                m: np.where(present[m][:, None], s, np.float32(0)) for m, s in streams.items()
            },
            present=present,
            label=label,
            person=person,
            persons=people,
            split=np.full(len(table), SPLITS.index("train"), np.int64),
            provenance=origin(
                [file], reader + (f"; not read: {_listed(unread)}" if unread else "")
            ),
        )
        windows = as_conversations(corpus, [*_names(persons)])
        return split_by_person(windows, dev=options.dev, test=options.test, seed=options.seed)


def _features(file: Path, names: Sequence[str], who: str, what: str, options: Options) -> list[str]:
    """The columns of features, in the table's order; a modality's begin with its name and `_`."""
    for column, option in ((who, "--person"), (what, "--label")):
        if column not in names:
            raise UserError(
                f"{file}: {column}: no such column; name it with {option}; there are {_listed(names)}"
            )
    leave_out, modalities = options.leave_out or (), options.modalities
    for pattern in leave_out:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UserError(
                f"{file}: --leave-out {pattern}: no such column; there are {_listed(names)}"
            )
    others = [n for n in names if n and n not in (who, what)]
    kept = [n for n in others if not any(fnmatchcase(n, p) for p in leave_out)]
    known = {_modality(name) for name in kept}
    for modality in modalities or ():
        if modality not in known:
            raise UserError(
                f"{file}: no column `{modality}_…`; there are columns of {_listed(sorted(known))}"
            )
    features = [n for n in kept if modalities is None or _modality(n) in modalities]
    if not features:
        raise UserError(f"{file}: no column of features is left; there are {_listed(names)}")
    return features


def _windows(
    file: Path, rows: Iterable[Numbered], columns: Sequence[str], classes: Sequence[str] | None
) -> tuple[list[str], list[str], Numbers]:
    """Persons, labels and float32 [windows, features] of the rows that are learnt from or unlabelled.

    Args:
        columns: of labels, of persons, and of features.
    """
    persons, labels, table = list[str](), list[str](), list[Numbers]()
    for line, row in rows:
        label, person, *numbers = (Cell(file, line, c, row.get(c)) for c in columns)
        name = label.name(empty=True)
        if classes is not None and name not in ("", *classes):
            continue
        labels.append(name)
        persons.append(person.name())
        values = [n.number("mend the cell, or leave the column out (--leave-out)") for n in numbers]
        with np.errstate(over="ignore"):  # becomes Inf, which the check then reports
            table.append(np.array(values).astype(np.float32))
        if 4 * len(numbers) * len(table) > MAXIMUM_BYTES:
            raise UserError(f"{file}: over {MAXIMUM_BYTES} bytes of features; split the table")
    if not table or not (classes or any(labels)):
        raise UserError(
            f"{file}: {columns[0]}: no row is labelled {' or '.join(classes or ['anything'])}; "
            "name the column of labels with --label, or classes that are in it"
        )
    return persons, labels, np.stack(table)


def _ensure_no_clue(
    file: Path, features: Sequence[str], table: Numbers, group: Integers, what: str
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
        raise UserError(f"{file}: {named}: one value for each {what}; add --leave-out '{named}'")


def _determines(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    """Whether who knows the one knows the other, and both differ; False where most occur only once."""
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
