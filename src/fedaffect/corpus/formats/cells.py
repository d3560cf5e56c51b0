"""Cells of a table, each looked at before it is believed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from fedaffect.errors import UserError
from fedaffect.schema import UNLABELLED, Integers

MAXIMUM_NAME = 500


@dataclass(frozen=True)
class Cell:
    """What a table holds in one place: text, or in a JSONL or Parquet file whatever that says."""

    file: Path
    line: int
    column: str
    value: Any

    def name(self, *, empty: bool = False) -> str:
        """Text, or a whole number as text; an empty one only where it is allowed."""
        cell = self.value
        if isinstance(cell, float) and isfinite(cell) and cell == int(cell):
            cell = int(cell)  # tables with an empty cell make floats of a column of whole numbers
        if isinstance(cell, bool) or not (cell is None or isinstance(cell, str | int)):
            raise self.wrong("neither text nor a whole number")
        text = "" if cell is None else str(cell).strip()
        if len(text) > MAXIMUM_NAME:
            raise self.wrong(f"{len(text)} letters; at most {MAXIMUM_NAME}")
        if not text and not empty:
            raise self.wrong("empty")
        return text

    def integer(self) -> int:
        """A whole number within ±2³¹."""
        number = self._float()
        if number is None or not isfinite(number) or number != int(number) or abs(number) > 2**31:
            raise self.wrong(f"{str(self.value)[:20]!r} is no whole number")
        return int(number)

    def index(self, most: int = 10**9) -> int:
        """A whole number written in digits, from 0 to the most that is allowed."""
        text = str(self.value).strip()
        if not (text.isascii() and text.isdigit() and len(text) < 11 and int(text) <= most):
            raise self.wrong(f"{text[:50]!r}", f"use a whole number of 0 to {most}")
        return int(text)

    def one_of(self, known: Collection[str]) -> str:
        """One of these texts."""
        text = str(self.value).strip()
        if text not in known:
            raise self.wrong(f"{text[:50]!r}", f"use one of {', '.join(known)}")
        return text

    def number(self, cure: str = "mend the cell") -> float:
        """Any number; NaN where the cell is empty."""
        if self.value is None or (isinstance(self.value, str) and not self.value.strip()):
            return nan
        number = self._float()
        if number is None:
            raise self.wrong(f"{str(self.value)[:20]!r} is no number", cure)
        return number

    def wrong(self, what: str, cure: str = "mend the cell") -> UserError:
        """The error that names this place."""
        return UserError(f"{self.file}: line {self.line}: {self.column}: {what}; {cure}")

    def _float(self) -> float | None:
        if isinstance(self.value, bool) or not isinstance(self.value, str | Real):
            return None
        try:
            return float(self.value)
        except (ValueError, OverflowError):
            return None


def indexed(names: Sequence[str]) -> tuple[Integers, tuple[str, ...]]:
    """Indices into the names that occur, sorted, whole numbers by value; an empty one is `UNLABELLED`."""
    known = sorted({name for name in names if name}, key=_by_number)
    position = {name: index for index, name in enumerate(known)} | {"": UNLABELLED}
    return np.array([position[name] for name in names], np.int64), tuple(known)


def _by_number(name: str) -> tuple[int, int, str]:
    """Whole numbers by value before other names by letter: `2` stands before `10`."""
    return (0, int(name), name) if name.isascii() and name.isdigit() else (1, 0, name)
