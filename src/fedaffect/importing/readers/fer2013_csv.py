"""`fer2013.csv`: a row a face, its 48 × 48 grey levels in one cell."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.formats import ferplus, tables
from fedaffect.corpus.formats.faces import FER2013, USAGE
from fedaffect.corpus.formats.ferplus import fer2013
from fedaffect.corpus.formats.origin import origin
from fedaffect.corpus.schema import Array, ConversationCorpus
from fedaffect.errors import UserError

SIDE = 48
COLUMNS = ("emotion", "pixels", "Usage")
VOTES_FILE = "fer2013new.csv"
MOST_VOTES = 255


def is_fer2013(head: bytes) -> bool:
    """Whether a file begins with the names of these columns, in any order."""
    first = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].decode("utf-8", "replace")
    return {name.strip() for name in first.split(",")} == {*COLUMNS}


def read(file: Path, *, name: str, votes: bool = False) -> ConversationCorpus:
    """Read the table; `Training` becomes train, `PublicTest` dev, `PrivateTest` test.

    Args:
        votes: labels and votes of FER+, from `fer2013new.csv` beside it.

    Raises:
        UserError: a row that is none, a truncated file, or no votes where they are asked for.
    """
    label, splits, images = list[int](), list[str](), list[bytes]()
    for number, row in tables.each(file):
        where = f"{file}: line {number}"
        label.append(_whole(row["emotion"], f"{where}: emotion", len(FER2013) - 1))
        images.append(_pixels(str(row["pixels"]), where))
        splits.append(_split(row["Usage"], where))
    faces = np.frombuffer(b"".join(images), np.uint8).reshape(-1, SIDE, SIDE)
    ticks = _ticks(file.with_name(VOTES_FILE), splits) if votes else None
    return fer2013(
        faces,
        np.array(label, np.int64),
        splits,
        ticks,
        name=name,
        provenance=origin([file, file.with_name(VOTES_FILE)] if votes else [file], "fer2013.csv"),
    )


def _pixels(text: str, where: str) -> bytes:
    cells = text.split()
    if len(cells) != SIDE**2:
        raise UserError(
            f"{where}: pixels: {len(cells)} numbers instead of {SIDE} × {SIDE}; fetch the file again"
        )
    try:
        return bytes(map(int, cells))
    except ValueError:
        raise UserError(f"{where}: pixels: not all are whole numbers of 0 to 255") from None


def _split(usage: object, where: str) -> str:
    try:
        return USAGE[str(usage).strip()]
    except KeyError:
        raise UserError(
            f"{where}: Usage: {str(usage)[:50]!r}; use one of {', '.join(USAGE)}"
        ) from None


def _whole(cell: object, where: str, most: int) -> int:
    text = str(cell).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= most):
        raise UserError(f"{where}: {text[:50]!r}; use a whole number of 0 to {most}")
    return int(text)


def _ticks(file: Path, splits: list[str]) -> Array:
    """[faces, ferplus.TAGS] of the table whose rows are the same faces in the same order."""
    if not file.is_file():
        raise UserError(
            f"{file}: no such file; --votes needs it beside fer2013.csv (FER+ provides it)"
        )
    rows = tables.rows(file)
    if len(rows) != len(splits):
        raise UserError(
            f"{file}: {len(rows)} rows, but there are {len(splits)} faces; fetch it again"
        )
    lacking = [column for column in ("Usage", *ferplus.TAGS) if column not in rows[0][1]]
    if lacking:
        raise UserError(f"{file}: {lacking[0]}: no such column; give FER+'s own file")
    found: npt.NDArray[np.uint8] = np.zeros((len(rows), len(ferplus.TAGS)), np.uint8)
    for index, (number, row) in enumerate(rows):
        where = f"{file}: line {number}"
        if _split(row["Usage"], where) != splits[index]:
            raise UserError(
                f"{where}: Usage: not that of face {index}; give the file of the same faces"
            )
        found[index] = [_whole(row[tag], f"{where}: {tag}", MOST_VOTES) for tag in ferplus.TAGS]
    return found
