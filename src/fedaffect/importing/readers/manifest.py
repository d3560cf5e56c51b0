"""A manifest: a table of utterances with features inline or in `.npy` files. See docs/corpora.md."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path

import numpy as np

from fedaffect.corpus.formats import npy_file
from fedaffect.corpus.formats.assemble import assemble
from fedaffect.corpus.formats.cells import Cell, indexed
from fedaffect.corpus.formats.origin import origin
from fedaffect.corpus.formats.tables import Numbered, rows
from fedaffect.corpus.schema import Array, ConversationCorpus
from fedaffect.errors import UserError

FEATURE = "feature."
REQUIRED = ("conversation", "turn", "label", "split")
MAXIMUM_BYTES = 2**33
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
                f"column `{FEATURE}NAME` for each modality (docs/corpora.md); a table of windows of body "
                "signals needs --person COLUMN (docs/signals.md)"
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
    named = {"dialogue": cells.names("conversation"), "label": cells.names("label", empty=True)}
    who = next((key for key in ("person", "speaker") if key in seen), None)
    if who:
        named["speaker"] = cells.names(who)
    if "role" in seen:
        columns["role"] = cells.integers("role")
    for key, names in named.items():
        columns[key], known = indexed(names)
        columns[f"{key}_names"] = np.array(known, dtype=np.str_)
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
    """The table by column."""

    file: Path
    table: Sequence[Numbered]

    def names(self, column: str, *, empty: bool = False) -> list[str]:
        """Text, or whole numbers as text; empty ones only where they are allowed."""
        return [cell.name(empty=empty) for cell in self._of(column)]

    def integers(self, column: str) -> Array:
        """int64 [rows]."""
        return np.array([cell.integer() for cell in self._of(column)])

    def stream(self, column: str) -> tuple[Array, Array]:
        """float32 [rows, width] with zeros where there is none, and bool [rows]: where there is one."""
        values: Array | None = None
        present = np.zeros(len(self.table), bool)
        first = 0
        for index, cell in enumerate(self._of(column)):
            vector = _vector(cell)
            if vector is None:
                continue
            if values is None:
                first, width = cell.line, len(vector)
                if 4 * width * len(self.table) > MAXIMUM_BYTES:
                    raise cell.wrong(f"{width} wide; too many for memory")
                values = np.zeros((len(self.table), width), np.float32)
            if len(vector) != values.shape[1]:
                raise cell.wrong(f"{len(vector)} wide, but {values.shape[1]} in line {first}")
            with np.errstate(over="ignore"):  # becomes Inf, which the check then reports
                values[index] = vector
            present[index] = True
        if values is None:
            raise UserError(f"{self.file}: {column}: empty everywhere; leave the column out")
        return values, present

    def _of(self, column: str) -> Iterator[Cell]:
        return (Cell(self.file, line, column, row.get(column)) for line, row in self.table)


def _vector(cell: Cell) -> Array | None:
    value = cell.value
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str) and value.strip().endswith(".npy"):
        path = cell.file.parent / value.strip()
        return npy_file.read_vector(path, f"{cell.file}: line {cell.line}: {cell.column}")
    parts = value.split() if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not parts:
        raise cell.wrong("neither a path of an .npy file nor numbers")
    try:
        if not isinstance(value, str) and not all(map(_is_number, parts)):
            raise ValueError
        return np.array([float(part) for part in parts])
    except (ValueError, OverflowError):
        raise cell.wrong("neither a path of an .npy file nor numbers with spaces between") from None


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
