"""A manifest: a table of utterances with features inline or in `.npy` files. See docs/corpora.md."""

from collections.abc import Iterator, Sequence
from numbers import Real

import numpy as np

from fedaffect.corpus.formats import numpy_file
from fedaffect.corpus.formats.assemble import assemble, stacked
from fedaffect.corpus.formats.cells import Cell, indexed
from fedaffect.corpus.formats.origin import origin
from fedaffect.corpus.formats.tables import Numbered
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.importing.options import Options
from fedaffect.importing.readers.base import Reader
from fedaffect.importing.source import Source
from fedaffect.schema import Array

FEATURE = "feature."
REQUIRED = ("conversation", "turn", "label", "split")
_COLUMNS = (*REQUIRED, "person", "speaker", "role")


class Manifest(Reader):
    """Any table that is of no other format; features become float32, an empty cell is a missing modality."""

    fallback = True

    def recognises(self, source: Source) -> bool:
        return bool(source.table_head)

    def read(self, source: Source, options: Options) -> ConversationCorpus:
        return utterances(source, source.rows, "manifest")


def utterances(source: Source, table: Sequence[Numbered], reader: str) -> ConversationCorpus:
    """The corpus of a manifest's rows, from wherever a reader has them; features become float32.

    Args:
        table: rows, each a number for messages and a dictionary with a manifest's columns.
        reader: what the provenance shall say of the format.

    Raises:
        UserError: a column that lacks, a cell that is not what its column promises (named by line and
            column), vectors of different widths, or no features.
    """
    file = source.path
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

    def cells(column: str) -> Iterator[Cell]:
        return (Cell(file, line, column, row.get(column)) for line, row in table)

    def names(column: str, *, empty: bool = False) -> list[str]:
        return [cell.name(empty=empty) for cell in cells(column)]

    columns = {"turn": np.array([cell.integer() for cell in cells("turn")])}
    columns["split"] = np.array(names("split"))
    named = {"dialogue": names("conversation"), "label": names("label", empty=True)}
    for who in {"person", "speaker"} & {*seen}:
        named["speaker"] = names(who)
    if "role" in seen:
        columns["role"] = np.array([cell.integer() for cell in cells("role")])
    for key, texts in named.items():
        columns[key], known = indexed(texts)
        columns[f"{key}_names"] = np.array(known, dtype=np.str_)
    streams = {}
    for key in modalities:
        vectors = ((f"line {cell.line}: {key}", _vector(cell)) for cell in cells(key))
        if not (found := stacked(file, vectors, len(table))):
            raise UserError(f"{file}: {key}: empty everywhere; leave the column out")
        streams[key.removeprefix(FEATURE)] = found

    unused = sorted(str(key) for key in set(seen) - {*_COLUMNS, *modalities})
    reader += f"; not read: {', '.join(unused)}" if unused else ""
    return assemble(
        file,
        columns,
        {m: values for m, (values, _) in streams.items()},
        {m: there for m, (_, there) in streams.items()},
        name=source.name,
        provenance=origin([file], reader),
    )


def _vector(cell: Cell) -> Array | None:
    value = cell.value
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str) and value.strip().endswith(".npy"):
        path = cell.file.parent / value.strip()
        return numpy_file.read_vector(path, f"{cell.file}: line {cell.line}: {cell.column}")
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
