"""A picture as files of its own, on white paper: SVG for a page, PNG for whatever cannot show that."""

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedaffect.report import drawing

_ON_WHITE = {drawing.INK: "#1c2333", drawing.MUTED: "#5b6579", drawing.GRID: "#d5d9e0"}
_RESOLUTION = 160


@dataclass(frozen=True)
class Picture:
    """What is painted, and how large, in points.

    `paint` names no colour for text and lines that follow the paper: the style has them.
    """

    width: float
    height: float
    paint: Callable[[Axes], None]

    def save(self, folder: Path, name: str) -> None:
        """Write `NAME.svg` and `NAME.png`; equal pictures give equal bytes."""
        settings: Any = {key: _ON_WHITE.get(value, value) if isinstance(value, str) else value
                         for key, value in drawing.STYLE.items()}  # fmt: skip
        settings |= {"svg.hashsalt": name, "savefig.facecolor": "white"}
        with matplotlib.rc_context(settings), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"Glyph .* missing")
            figure = Figure(figsize=(self.width / 72, self.height / 72), layout="constrained")
            self.paint(figure.add_subplot())
            for suffix, nameless in (("svg", ("Date", "Creator")), ("png", ("Software",))):
                aside = folder / f".{name}.{os.getpid()}.{suffix}"
                figure.savefig(aside, dpi=_RESOLUTION, metadata=dict.fromkeys(nameless))
                aside.replace(folder / f"{name}.{suffix}")
