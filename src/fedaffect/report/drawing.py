"""From a matplotlib figure to a small SVG that lives inside a page and follows its colours.

Text, lines and paper are drawn in four stand-in colours, which become the page's own variables: one
picture then serves light, dark and print.
"""

import io
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fedaffect.report.palette import ACCENT

Floats = npt.NDArray[np.float64]
WIDTH = 420
EACH_CLIENT = 400
"""Beyond so many clients a mark for each is none that a person could see: their distribution is drawn."""

INK, MUTED, GRID, PAPER = "#010101", "#020202", "#030303", "#040404"
_VARIABLES = {INK: "--ink", MUTED: "--muted", GRID: "--line", PAPER: "--card"}
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 10,
    "axes.edgecolor": GRID,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
}


@dataclass(frozen=True)
class Drawing:
    """An inline picture.

    Attributes:
        svg: one `<svg>` element; text in it is escaped.
        description: what it shows, in words, for who does not see it.
        legend: (name, colour), drawn by the page.
    """

    svg: str
    description: str
    legend: tuple[tuple[str, str], ...] = ()


def draw(name: str, width: float, height: float, paint: Callable[[Axes], None]) -> str:
    """One inline SVG of `width` × `height` points, painted by `paint`.

    `name` keeps the ids of several pictures on one page apart; equal input gives equal bytes.
    """
    settings: Any = {**STYLE, "svg.hashsalt": name}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # The browser has the glyphs that matplotlib's own font lacks.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing")
        figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
        paint(figure.add_subplot())
        text = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(text, format="svg", transparent=True, metadata=nothing)
    return _inline(text.getvalue())


def shorten(name: str, length: int = 14) -> str:
    """A label that fits."""
    return name if len(name) <= length else name[: length - 1] + "…"


def heat_image(axes: Axes, strength: Floats) -> None:
    """A heat map as an embedded picture; NaN is left blank."""
    shade = np.empty((*strength.shape, 4))
    shade[..., :3] = to_rgb(ACCENT)
    shade[..., 3] = np.nan_to_num(np.clip(strength, 0, 1))
    axes.imshow(shade, aspect="auto", interpolation="none")
    for side in axes.spines.values():
        side.set_visible(False)


def by_round(axes: Axes, margin: float | None = None, ticks: int = 5) -> None:
    """Axes of lines over rounds: a grid of heights, whole numbers below."""
    by_height(axes, ticks)
    axes.set_xlabel("round")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.margins(x=0.02, y=margin)


def by_height(axes: Axes, ticks: int, integer: bool = False) -> None:
    """Axes on which heights are read: a grid, and few numbers beside it."""
    axes.grid(axis="y")
    axes.spines["left"].set_visible(False)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=ticks, integer=integer))


def write_beside(axes: Axes, text: str, at: tuple[float, float], **style: Any) -> None:
    """Text to the right of a place."""
    usual = {"xytext": (5, 0), "textcoords": "offset points", "va": "center"}
    axes.annotate(text, at, **usual | style)


def distribution(columns: Sequence[Floats], edges: Floats) -> Floats:
    """float64 [bins, columns]: the share of a column's values in each bin, top bin first; NaN nowhere."""
    counts = np.stack([np.histogram(c[~np.isnan(c)], edges)[0] for c in columns], axis=1)
    share: Floats = counts[::-1] / np.maximum(counts.sum(axis=0), 1)
    return share


def _inline(text: str) -> str:
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, count=1, flags=re.DOTALL)
    head, body = text.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    assert box is not None  # matplotlib always writes one
    body = body.replace("xlink:href=", "href=")
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    body = re.sub(r"; font-family: [^;\"]*", "", body)
    body = re.sub(r"\s*\n\s*", " ", body)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, f"var({variable})")
    return f'<svg {box[0]} aria-hidden="true">{body}'
