"""A manifest: a table of utterances with features inline or in `.npy` files. See docs/corpora.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from fedaffect.corpus.formats import npy_file
from fedaffect.corpus.formats.assemble import assemble
from fedaffect.corpus.formats.origin import origin
from fedaffect.corpus.formats.tables import Numbered, rows
from fedaffect.corpus.schema import UNLABELLED, Array, ConversationCorpus
from fedaffect.errors import UserError

FEATURE = "feature."
REQUIRED = ("conversation", "turn", "label", "split")
MAXIMUM_BYTES = 2**33
MAXIMUM_NAME = 500
_COLUMNS = (*REQUIRED, "person", "speaker", "role")


def read(file: Path, *, name: str) -> ConversationCorpus:
    """Read a manifest; features become float32, an empty cell is a missing modality.

    Raises:
        UserError: a column that lacks, a cell that is not what its column promises (named by line and
            column), vectors of different widths, or no features.
    """
    return from_rows(file, rows(file), name=name)


def from_rows(file: Path, table: Sequence[Numbered], *, name: str) -> ConversationCorpus:
    """As `read`, of rows that were already read."""
    seen = dict.fromkeys(key for _, row in table for key in row)
    for column in REQUIRED:
        if column not in seen:
            raise UserError(
                f"{file}: {column}: no such column; a manifest needs {', '.join(REQUIRED)} and a "
                f"column `{FEATURE}NAME` for each modality (docs/corpora.md)"
            )
    modalities = [key for key in seen if key.startswith(FEATURE) and key != FEATURE]
    if not modalities:
        raise UserError(
            f"{file}: no modality: no column is named `{FEATURE}text` or alike; add one with paths of "
            ".npy files or with numbers (docs/corpora.md)"
        )
    if "person" in seen and "speaker" in seen:
        raise UserError(f"{file}: person, speaker: two names of one column; leave one out")

    cells = _Cells(file, table)
    columns = {"turn": cells.integers("turn"), "split": np.array(cells.names("split"))}
    columns |= _indexed("dialogue", cells.names("conversation"))
    who = next((key for key in ("person", "speaker") if key in seen), None)
    if who:
        columns |= _indexed("speaker", cells.names(who))
    if "role" in seen:
        columns["role"] = cells.integers("role")
    columns |= _labels(cells.names("label", empty=True))
    streams = {key.removeprefix(FEATURE): cells.stream(key) for key in modalities}

    unused = sorted(str(key) for key in set(seen) - {*_COLUMNS, *modalities})
    reader = "manifest" + (f"; not read: {', '.join(unused)}" if unused else "")
    return assemble(
        file,
        columns,
        {m: values for m, (values, _) in streams.items()},
        {m: there for m, (_, there) in streams.items()},
        name=name,
        provenance=origin([file], reader),
    )


@dataclass(frozen=True)
class _Cells:
    """The table by column, each cell looked at before it is believed."""

    file: Path
    table: Sequence[Numbered]

    def names(self, column: str, *, empty: bool = False) -> list[str]:
        """Text, or whole numbers as text; empty ones only where they are allowed."""
        return [self._name(number, column, row.get(column), empty) for number, row in self.table]

    def integers(self, column: str) -> Array:
        """int64 [rows]."""
        return np.array([self._integer(n, column, row.get(column)) for n, row in self.table])

    def stream(self, column: str) -> tuple[Array, Array]:
        """float32 [rows, width] with zeros where there is none, and bool [rows]: where there is one."""
        values: Array | None = None
        present = np.zeros(len(self.table), bool)
        first = 0
        for index, (number, row) in enumerate(self.table):
            vector = self._vector(number, column, row.get(column))
            if vector is None:
                continue
            if values is None:
                first, width = number, len(vector)
                if 4 * width * len(self.table) > MAXIMUM_BYTES:
                    raise self._wrong(number, column, f"{width} wide; too many for memory")
                values = np.zeros((len(self.table), width), np.float32)
            if len(vector) != values.shape[1]:
                raise self._wrong(
                    number, column, f"{len(vector)} wide, but {values.shape[1]} in line {first}"
                )
            with np.errstate(over="ignore"):  # becomes Inf, which the check then reports
                values[index] = vector
            present[index] = True
        if values is None:
            raise UserError(f"{self.file}: {column}: empty everywhere; leave the column out")
        return values, present

    def _vector(self, number: int, column: str, cell: Any) -> Array | None:
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            return None
        if isinstance(cell, str) and cell.strip().endswith(".npy"):
            path = self.file.parent / cell.strip()
            return npy_file.read_vector(path, f"{self.file}: line {number}: {column}")
        parts = cell.split() if isinstance(cell, str) else cell
        if not isinstance(parts, list | tuple) or not parts:
            raise self._wrong(number, column, "neither a path of an .npy file nor numbers")
        try:
            if not isinstance(cell, str) and not all(map(_is_number, parts)):
                raise ValueError
            return np.array([float(part) for part in parts])
        except (ValueError, OverflowError):
            raise self._wrong(
                number, column, "neither a path of an .npy file nor numbers with spaces between"
            ) from None

    def _integer(self, number: int, column: str, cell: Any) -> int:
        try:
            value = float("nan") if isinstance(cell, bool) or cell is None else float(cell)
        except (TypeError, ValueError, OverflowError):
            value = float("nan")
        if not isfinite(value) or value != int(value) or abs(value) > 2**31:
            raise self._wrong(number, column, f"{str(cell)[:20]!r} is no whole number")
        return int(value)

    def _name(self, number: int, column: str, cell: Any, empty: bool) -> str:
        if isinstance(cell, float) and cell == cell and isfinite(cell) and cell == int(cell):
            cell = int(cell)  # tables with an empty cell make floats of a column of whole numbers
        text = str(cell).strip() if isinstance(cell, str | int) and cell is not True else ""
        if cell is False or (cell is not None and not isinstance(cell, str | int)):
            raise self._wrong(number, column, "neither text nor a whole number")
        if len(text) > MAXIMUM_NAME:
            raise self._wrong(number, column, f"{len(text)} letters; at most {MAXIMUM_NAME}")
        if not text and not empty:
            raise self._wrong(number, column, "empty")
        return text

    def _wrong(self, number: int, column: str, what: str) -> UserError:
        return UserError(f"{self.file}: line {number}: {column}: {what}; mend the cell")


def _indexed(key: str, names: Sequence[str]) -> dict[str, Array]:
    """A column of indices into its sorted names."""
    known = sorted(set(names), key=_by_number)
    position = {name: index for index, name in enumerate(known)}
    return {key: np.array([position[n] for n in names]), f"{key}_names": np.array(known)}


def _labels(names: Sequence[str]) -> dict[str, Array]:
    """Sorted class names; an empty cell is an utterance without a label."""
    known = sorted({name for name in names if name}, key=_by_number)
    position = {name: index for index, name in enumerate(known)} | {"": UNLABELLED}
    return {
        "label": np.array([position[name] for name in names]),
        "label_names": np.array(known, dtype=np.str_),
    }


def _by_number(name: str) -> tuple[int, int, str]:
    """Whole numbers by value before other names by letter: `2` stands before `10`."""
    return (0, int(name), name) if name.isascii() and name.isdigit() else (1, 0, name)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
