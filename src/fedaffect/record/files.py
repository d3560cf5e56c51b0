"""A record's files: what they are called, how they are read, and written: whole or not at all."""

import json
import os
import tomllib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from fedaffect.errors import UserError

REPORT = "report.html"
SUMMARY = "summary.json"
ENVIRONMENT = "environment.json"


def read_object(path: Path, needed: Iterable[str], cure: str) -> dict[str, Any]:
    """A JSON object from a file, with at least the keys needed.

    Raises:
        UserError: it is none, naming what is wrong and the cure.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise UserError(f"{path}: not valid JSON: {error}; {cure}") from None
    missing = [key for key in needed if not isinstance(found, dict) or key not in found]
    if missing or not isinstance(found, dict):
        lack = f"no `{missing[0]}`" if missing else "not an object"
        raise UserError(f"{path}: {lack}; {cure}")
    return found


def read_toml(path: Path, absent: str) -> dict[str, Any]:
    """A table from a TOML file.

    Args:
        absent: the message where there is no such file.

    Raises:
        UserError: it cannot be read.
    """
    if not path.is_file():
        raise UserError(f"{path}: {absent}")
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 ({error.reason}); save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: not valid TOML: {error}") from None


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
