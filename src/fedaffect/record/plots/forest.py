"""An ablation in one picture: what each variant changes, and how sure that is."""

from collections.abc import Sequence

from matplotlib import rcParams
from matplotlib.axes import Axes

from fedaffect.record.ablation.rows import Row
from fedaffect.record.drawing import shorten
from fedaffect.record.palette import ACCENT
from fedaffect.record.picture import Picture

WIDTH = 620
_MARKS = {"better": "^", "worse": "v"}
"""A verdict's mark; a circle where there is no difference shown."""


def forest(rows: Sequence[Row]) -> Picture:
    """A line a variant: open dots its seeds, a full mark the mean, a bar the interval; 0 is the base."""
    variants = [row for row in rows if row.verdict != "base"]
    names = ", ".join(row.row for row in rows if row.verdict == "base")

    def paint(axes: Axes) -> None:
        grid, muted = rcParams["grid.color"], rcParams["axes.labelcolor"]
        axes.axvline(0, color=muted, linewidth=1.2, zorder=1)
        for place, row in enumerate(variants):
            axes.axhline(place, color=grid, linewidth=0.8, zorder=0)
            _variant(axes, place, row)
            axes.annotate(
                _words(row),
                (1, place),
                xycoords=("axes fraction", "data"),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                annotation_clip=False,
            )
        axes.set_yticks(range(len(variants)), [shorten(row.row, 34) for row in variants])
        axes.set_ylim(len(variants) - 0.4, -0.6)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(f"weighted F1 less that of the base: {shorten(names, 60)}")
        axes.margins(x=0.06)

    return Picture(WIDTH, 60 + 24 * max(len(variants), 1), paint)


def _variant(axes: Axes, place: int, row: Row) -> None:
    difference = row.difference
    if difference is None:
        return
    if difference.low is not None and difference.high is not None:
        ends = [difference.low, difference.high]
        axes.plot(ends, [place, place], color=ACCENT, linewidth=2, solid_capstyle="butt", zorder=2)
    axes.plot(difference.each, [place] * len(difference.each), "o", markersize=5,
              markerfacecolor="none", markeredgecolor=rcParams["axes.labelcolor"], zorder=3)  # fmt: skip
    mark = _MARKS.get(difference.verdict, "o")
    axes.plot([difference.mean], [place], mark, markersize=7, color=ACCENT, zorder=4)


def _words(row: Row) -> str:
    return f"{row.difference.mean:+.3f}, {row.verdict}" if row.difference else row.verdict
