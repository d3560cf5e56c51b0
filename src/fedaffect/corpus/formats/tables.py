"""Rows of a CSV, JSONL or Parquet file as dictionaries, an entry a column, bounded before they are kept.

A CSV or JSONL file may be packed with gzip.
"""

import csv
import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import IO, Any, cast

from fedaffect.errors import UserError

MAXIMUM_BYTES = 2**33
MAXIMUM_ROWS = 2_000_000
MAXIMUM_CELL = 2**20
PARQUET = b"PAR1"
GZIP = b"\x1f\x8b"
DELIMITERS = ",;\t"

Numbered = tuple[int, Mapping[str, Any]]
"""A row, and its number as a person counts: lines of a text, or rows of a Parquet file, from 1."""


def rows(file: Path) -> list[Numbered]:
    """All rows at once; see `each`."""
    return list(each(file))


def each(file: Path) -> Iterator[Numbered]:
    """One row after the other; the first bytes decide which kind of table it is.

    Cells of a CSV are text, those of the others what the file says (text, number, list, None).

    Raises:
        UserError: no table, damaged, too large, or a row that does not fit the columns; or Parquet without
            pyarrow.
    """
    start = head(file, 64).removeprefix(b"\xef\xbb\xbf").lstrip()
    size = _size(file)
    if size > MAXIMUM_BYTES:
        raise UserError(f"{file}: {size} bytes; tables of at most {MAXIMUM_BYTES} are read")
    try:
        found = _parquet if start.startswith(PARQUET) else _jsonl if start[:1] == b"{" else _csv
        count = 0
        for count, numbered in enumerate(found(file), 1):
            if count > MAXIMUM_ROWS:
                raise UserError(f"{file}: more than {MAXIMUM_ROWS} rows; split the corpus")
            yield numbered
    except UnicodeDecodeError:
        raise UserError(f"{file}: not in UTF-8; save it so") from None
    if not count:
        raise UserError(f"{file}: no rows; give one an utterance")


def head(file: Path, count: int) -> bytes:
    """The first bytes of a file, unpacked.

    Raises:
        UserError: damaged gzip.
    """
    with _bytes(file) as stream:
        return _unpacked(file, stream, count)


def _size(file: Path) -> int:
    """Bytes of a file, unpacked without keeping them, up to just above the maximum."""
    if not _is_packed(file):
        return file.stat().st_size
    total = 0
    with _bytes(file) as stream:
        while total <= MAXIMUM_BYTES and (chunk := _unpacked(file, stream, 2**20)):
            total += len(chunk)
    return total


def _bytes(file: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(file)) if _is_packed(file) else file.open("rb")


def _text(file: Path, newline: str | None = None) -> IO[str]:
    return io.TextIOWrapper(_bytes(file), encoding="utf-8-sig", newline=newline)


def _is_packed(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(GZIP)) == GZIP


def _unpacked(file: Path, stream: IO[bytes], count: int) -> bytes:
    try:
        return stream.read(count)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(
            f"{file}: truncated or damaged gzip ({type(error).__name__}); fetch the file again"
        ) from None


def _csv(file: Path) -> Iterator[Numbered]:
    csv.field_size_limit(MAXIMUM_CELL)
    with _text(file, newline="") as stream:
        first = stream.readline(MAXIMUM_CELL)
        stream.seek(0)
        # Spreadsheets of many countries put semicolons between cells.
        reader = csv.reader(stream, strict=True, delimiter=max(DELIMITERS, key=first.count))
        try:
            header = [name.strip() for name in next(reader, [])]
            twice = [name for name, count in Counter(header).items() if name and count > 1]
            if twice:
                raise UserError(f"{file}: column `{twice[0]}` stands there twice; rename one")
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise UserError(
                        f"{file}: line {reader.line_num}: {len(cells)} cells instead of "
                        f"{len(header)}; put cells with delimiters in them into quotes"
                    )
                yield reader.line_num, dict(zip(header, cells, strict=True))
        except csv.Error as error:
            raise UserError(
                f"{file}: line {reader.line_num}: no CSV ({error}); mend the line, or its quotes"
            ) from None


def _jsonl(file: Path) -> Iterator[Numbered]:
    with _text(file) as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if not isinstance(row, dict):
                raise UserError(f"{file}: line {number}: no JSON object; give one an utterance")
            yield number, row


def _parquet(file: Path) -> Iterator[Numbered]:
    try:
        # Named as text because it is an extra: neither types nor imports of the base need it.
        pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        raise UserError(
            f"{file}: reading Parquet needs the `parquet` extra (pyarrow is not installed): "
            "pip install 'fedaffect[parquet]', or save the table as CSV or JSONL"
        ) from None
    number = 0
    try:
        with parquet.ParquetFile(file) as table:
            groups = [table.metadata.row_group(i) for i in range(table.metadata.num_row_groups)]
            size = sum(group.total_byte_size for group in groups)
            if size > MAXIMUM_BYTES or table.metadata.num_rows > MAXIMUM_ROWS:
                raise UserError(
                    f"{file}: {table.metadata.num_rows} rows of {size} bytes; at most {MAXIMUM_ROWS} "
                    f"of {MAXIMUM_BYTES} are read"
                )
            for batch in table.iter_batches(batch_size=1024):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise UserError(
            f"{file}: truncated or damaged Parquet ({type(error).__name__}); fetch the file again"
        ) from None
