"""Writing a record's files: whole or not at all."""

import os
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 beside `path`, then put it in place: a reader never sees half a file."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_bytes(text.encode())
    aside.replace(path)
