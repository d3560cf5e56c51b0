"""Every client of two runs in one picture: above the diagonal it gains, below it loses."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from fedaffect.report.drawing import EACH_CLIENT, INK, MUTED, PAPER, WIDTH, Drawing, draw, shorten
from fedaffect.report.formatting import count, figure
from fedaffect.report.palette import series_colours
from fedaffect.studies.compare.per_client import (
    ALL,
    SELECTION,
    ByClient,
    Pair,
    by_kind,
    by_selection,
)

HEIGHT = 300
_MARKS = "o^sDvP"


def gains(mode: str, found: ByClient) -> Drawing | None:
    """Weighted F1 of each client in the base (x) and in the run (y); None where none are paired.

    Clients that are never selected stand out; where all are, kinds of clients do.
    """
    if not found.pairs:
        return None
    selection, kinds = by_selection(found.pairs), by_kind(found.pairs)
    groups = selection or kinds or {ALL: list(found.pairs)}
    names = list(SELECTION.values() if selection else groups)  # a missing one keeps its colour
    colours = dict(zip(names, series_colours(len(names)), strict=True))

    def paint(axes: Axes) -> None:
        many = len(found.pairs) > EACH_CLIENT
        for name, pairs in groups.items():
            axes.scatter(
                [pair.base for pair in pairs],
                [pair.run for pair in pairs],
                label=shorten(name, 24),
                s=8 if many else 26,
                marker=_MARKS[names.index(name) % len(_MARKS)],
                color=colours[name],
                alpha=0.7,
                linewidth=0,
                rasterized=many,
            )
        _diagonal(axes, found.pairs)
        axes.set_xlabel(f"weighted F1 in {shorten(found.base, 24)}")
        axes.set_ylabel(f"weighted F1 in {shorten(found.run, 24)}")
        if len(groups) > 1:  # here and not on the page, for its marks
            axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, labelcolor=INK,
                        handletextpad=0.2)  # fmt: skip

    picture = draw(f"gains-{mode}-{found.run}", WIDTH, HEIGHT, paint)
    return Drawing(picture, _words(mode, found))


def _diagonal(axes: Axes, pairs: Sequence[Pair]) -> None:
    """Equal scales, the line on which nothing changes, and words for its two sides."""
    scores = [score for pair in pairs for score in (pair.base, pair.run)]
    margin = 0.06 * (max(scores) - min(scores)) or 0.01
    ends = (min(scores) - margin, max(scores) + margin)
    axes.grid()
    axes.plot(ends, ends, color=MUTED, linewidth=1, linestyle=(0, (3, 3)), zorder=1)
    axes.set(xlim=ends, ylim=ends, aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=5))
    paper = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.5}
    for words, at, across, up in (
        ("gains", (0.03, 0.97), "left", "top"),
        ("loses", (0.97, 0.03), "right", "bottom"),
    ):
        axes.annotate(words, at, xycoords="axes fraction", ha=across, va=up, color=MUTED,
                      bbox=paper, zorder=1)  # fmt: skip


def _words(mode: str, found: ByClient) -> str:
    groups = "; ".join(
        f"{group.group}: {group.gained} gain, {group.lost} lose, on average {group.mean:+.3f}"
        for group in found.groups
    )
    worst = min(found.pairs, key=lambda pair: pair.gain)
    return (
        f"Weighted F1 ({mode}) of {count(len(found.pairs), 'pair')} of clients, {found.run} against "
        f"{found.base}. {groups}. Least: {worst.name} of seed {worst.seed}, "
        f"{figure(worst.base)} to {figure(worst.run)}."
    )
