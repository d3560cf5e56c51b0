"""A record's files: what they are called, and how they are written: whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from fedaffect.errors import UserError

REPORT = "report.html"
SUMMARY = "summary.json"


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 beside `path`, then put it in place: a reader never sees half a file.

    Raises:
        UserError: it cannot be written; nothing is left beside it.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    content = text.encode()
    try:
        aside.write_bytes(content)
        aside.replace(path)
    except OSError as error:
        with suppress(OSError):
            aside.unlink()
        raise UserError(
            f"{path}: cannot be written: {error.strerror or error}; make room there, or name another place"
        ) from None
