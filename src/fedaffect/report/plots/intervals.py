"""Means under each other on one axis, each with its seeds, its interval and a few words."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib import rcParams
from matplotlib.axes import Axes

from fedaffect.report.drawing import shorten, write_beside
from fedaffect.report.palette import ACCENT
from fedaffect.report.picture import Picture

WIDTH = 620


@dataclass(frozen=True)
class Line:
    """One of them.

    Attributes:
        words: what stands to the right.
        mean: None where there is nothing to draw but the words.
        ends: of the interval; None where there is none.
        each: the figure of each seed.
        mark: matplotlib's, of the mean.
    """

    name: str
    words: str
    mean: float | None = None
    ends: tuple[float, float] | None = None
    each: Sequence[float] = ()
    mark: str = "o"


def intervals(lines: Sequence[Line], label: str, reference: float | None = None) -> Picture:
    """A line each: open dots its seeds, a full mark the mean, a bar the interval.

    Args:
        label: what the axis shows.
        reference: where a line runs through all of them.
    """

    def paint(axes: Axes) -> None:
        grid, muted = rcParams["grid.color"], rcParams["axes.labelcolor"]
        if reference is not None:
            axes.axvline(reference, color=muted, linewidth=1.2, zorder=1)
        for place, line in enumerate(lines):
            axes.axhline(place, color=grid, linewidth=0.8, zorder=0)
            _paint(axes, place, line)
            style = {"xycoords": ("axes fraction", "data"), "annotation_clip": False}
            write_beside(axes, line.words, (1, place), xytext=(8, 0), **style)
        axes.set_yticks(range(len(lines)), [shorten(line.name, 34) for line in lines])
        axes.set_ylim(len(lines) - 0.4, -0.6)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(label)
        axes.margins(x=0.06)

    return Picture(WIDTH, 60 + 24 * max(len(lines), 1), paint)


def _paint(axes: Axes, place: int, line: Line) -> None:
    if line.mean is None:
        return
    if line.ends is not None:
        axes.plot(
            line.ends, [place, place], color=ACCENT, linewidth=2, solid_capstyle="butt", zorder=2
        )
    axes.plot(line.each, [place] * len(line.each), "o", markersize=5,
              markerfacecolor="none", markeredgecolor=rcParams["axes.labelcolor"], zorder=3)  # fmt: skip
    axes.plot([line.mean], [place], line.mark, markersize=7, color=ACCENT, zorder=4)
