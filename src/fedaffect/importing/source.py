"""What is imported: a file or a folder, looked at once for all readers."""

import zipfile
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from fedaffect.corpus.formats import numpy_file, tables, unpickler
from fedaffect.schema import Array

HEAD = 4096
"""Bytes that are enough to tell formats apart."""

PICKLES = (".pkl", ".pickle")
_ZIP = b"PK\x03\x04"
# Protocols from 2 on, and what a pickle of protocol 0 or 1 can begin with: a mark, or an empty container.
_PICKLE = (b"\x80", b"(", b"]", b")", b"}")
_TABLE = (b"{", tables.PARQUET)

Progress = Callable[[Sequence[Path]], Iterable[Path]]


class Source:
    """A file or a folder; what it holds is parsed when a reader asks for it, within bounds, and then kept.

    Attributes:
        path: as it was given.
        name: what the corpus is called; by default as the file without its ending, or as the folder.
        progress: goes through the files of many recordings, and may show how far it is.
    """

    def __init__(
        self, path: str | Path, name: str | None = None, progress: Progress | None = None
    ) -> None:
        self.path = Path(path)
        self.is_folder = self.path.is_dir()
        self._asked = name
        stem = Path(self.path.name.removesuffix(".gz")).stem
        self.name = name or (self.path.absolute().name if self.is_folder else stem)
        self.progress: Progress = progress or iter

    @cached_property
    def head(self) -> bytes:
        """The first bytes of a file; none of a folder."""
        if self.is_folder:
            return b""
        with self.path.open("rb") as stream:
            return stream.read(HEAD)

    @cached_property
    def table_head(self) -> bytes:
        """The first bytes of a table, unpacked and without a byte-order mark; none where it is no table.

        Raises:
            UserError: damaged gzip.
        """
        if self.is_folder or self.is_pickle or self.is_zip:
            return b""
        head = tables.head(self.path, HEAD).removeprefix(b"\xef\xbb\xbf")
        return head if head.lstrip().startswith(_TABLE) or _is_csv(head) else b""

    @property
    def is_pickle(self) -> bool:
        return self.head.startswith(_PICKLE)

    @property
    def is_zip(self) -> bool:
        return self.head.startswith(_ZIP)

    @cached_property
    def first_key(self) -> str | None:
        """The text that a pickled dictionary begins with, found without reading all of it."""
        return unpickler.first_key(self.path) if self.is_pickle else None

    @cached_property
    def content(self) -> Any:
        """What a pickle holds: builtin containers, numbers, texts and arrays.

        Raises:
            UserError: as `unpickler.load`.
        """
        return unpickler.load(self.path)

    @cached_property
    def members(self) -> frozenset[str]:
        """The names of what is in a zip; none where it is no zip, or a damaged one."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                return frozenset(archive.namelist())
        except (zipfile.BadZipFile, OSError):
            return frozenset()

    @cached_property
    def arrays(self) -> dict[str, Array]:
        """The arrays of an `.npz`.

        Raises:
            UserError: as `numpy_file.read_archive`.
        """
        return numpy_file.read_archive(self.path)

    @cached_property
    def rows(self) -> list[tables.Numbered]:
        """The rows of a table.

        Raises:
            UserError: as `tables.each`.
        """
        return tables.rows(self.path)

    @property
    def folder(self) -> Self:
        """Itself; or the folder of a file that is read only together with those beside it."""
        return self if self.is_folder else type(self)(self.path.parent, self._asked, self.progress)

    @cached_property
    def inside(self) -> tuple[Path, ...]:
        """What lies in a folder, sorted by name; nothing in a file."""
        return tuple(sorted(self.path.iterdir())) if self.is_folder else ()

    @cached_property
    def folders(self) -> tuple["Source", ...]:
        """The folders in a folder."""
        return tuple(Source(path) for path in self.inside if path.is_dir())

    @cached_property
    def pickles(self) -> tuple[Path, ...]:
        """The pickles that lie in a folder."""
        return tuple(path for path in self.inside if path.suffix in PICKLES and path.is_file())


def _is_csv(head: bytes) -> bool:
    """A first line of text in cells; what it says is for the reader to judge."""
    try:
        line = head.partition(b"\n")[0].decode()
    except UnicodeDecodeError:
        return False
    return line.rstrip("\r").replace("\t", " ").isprintable() and any(
        delimiter in line for delimiter in tables.DELIMITERS
    )
