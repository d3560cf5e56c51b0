"""`fer2013.csv`: a row a face, its 48 × 48 grey levels in one cell."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.formats import tables
from fedaffect.corpus.formats.cells import Cell
from fedaffect.corpus.formats.faces import FER2013, TAGS, USAGE, fer2013
from fedaffect.corpus.formats.origin import origin
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.importing.options import Options
from fedaffect.importing.readers.base import Reader
from fedaffect.importing.source import Source
from fedaffect.schema import Array

SIDE = 48
COLUMNS = ("emotion", "pixels", "Usage")
VOTES_FILE = "fer2013new.csv"
MOST_VOTES = 255


class Fer2013Csv(Reader):
    """The table; `Training` becomes train, `PublicTest` dev, `PrivateTest` test."""

    takes = ("votes",)

    def recognises(self, source: Source) -> bool:
        first = source.table_head.partition(b"\n")[0].decode("utf-8", "replace")
        return {name.strip() for name in first.split(",")} == {*COLUMNS}

    def read(self, source: Source, options: Options) -> ConversationCorpus:
        file, votes = source.path, source.path.with_name(VOTES_FILE)
        label, splits, images = list[int](), list[str](), list[bytes]()
        for number, row in tables.each(file):
            emotion, pixels, usage = (Cell(file, number, column, row[column]) for column in COLUMNS)
            label.append(emotion.index(len(FER2013) - 1))
            images.append(_grey(pixels))
            splits.append(usage.one_of(USAGE))
        faces = np.frombuffer(b"".join(images), np.uint8).reshape(-1, SIDE, SIDE)
        ticks = _ticks(votes, splits) if options.votes else None
        return fer2013(
            faces,
            np.array(label, np.int64),
            [USAGE[part] for part in splits],
            ticks,
            name=source.name,
            provenance=origin([file, votes] if options.votes else [file], "fer2013.csv"),
        )


def _grey(pixels: Cell) -> bytes:
    levels = str(pixels.value).split()
    if len(levels) != SIDE**2:
        raise pixels.wrong(
            f"{len(levels)} numbers instead of {SIDE} × {SIDE}", "fetch the file again"
        )
    try:
        return bytes(map(int, levels))
    except ValueError:
        raise pixels.wrong("not all are whole numbers of 0 to 255") from None


def _ticks(file: Path, splits: list[str]) -> Array:
    """[faces, TAGS] of the table whose rows are the same faces in the same order."""
    if not file.is_file():
        raise UserError(
            f"{file}: no such file; --votes needs it beside fer2013.csv (FER+ provides it)"
        )
    rows = tables.rows(file)
    if len(rows) != len(splits):
        raise UserError(
            f"{file}: {len(rows)} rows, but there are {len(splits)} faces; fetch it again"
        )
    lacking = [column for column in ("Usage", *TAGS) if column not in rows[0][1]]
    if lacking:
        raise UserError(f"{file}: {lacking[0]}: no such column; give FER+'s own file")
    found: npt.NDArray[np.uint8] = np.zeros((len(rows), len(TAGS)), np.uint8)
    for index, (number, row) in enumerate(rows):
        usage, *counts = (Cell(file, number, column, row[column]) for column in ("Usage", *TAGS))
        if usage.one_of(USAGE) != splits[index]:
            raise usage.wrong(f"not that of face {index}", "give the file of the same faces")
        found[index] = [count.index(MOST_VOTES) for count in counts]
    return found
