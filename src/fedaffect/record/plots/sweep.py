"""An ablation along an axis: a line for each kind of run, a point for each step, over seeds."""

import statistics
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from fedaffect.record.ablation.plan import line_and_point
from fedaffect.record.ablation.rows import Row
from fedaffect.record.drawing import shorten
from fedaffect.record.palette import series_colours
from fedaffect.record.picture import Picture

WIDTH, HEIGHT = 620, 300


def sweep(rows: Sequence[Row], label: str) -> Picture:
    """Weighted F1 of rows called `LINE, POINT`, in their order: the mean, and every seed as an open dot."""
    named = {line_and_point(row.row): row for row in rows}
    lines = list(dict.fromkeys(line for line, _ in named))
    points = list(dict.fromkeys(point for _, point in named))
    colours = dict(zip(lines, series_colours(len(lines)), strict=True))

    def paint(axes: Axes) -> None:
        axes.grid(axis="y")
        axes.spines["left"].set_visible(False)
        for line in lines:
            found = [
                (points.index(p), _scores(row)) for (of, p), row in named.items() if of == line
            ]
            known = sorted((place, scores) for place, scores in found if scores)
            means = [statistics.fmean(scores) for _, scores in known]
            places = [place for place, _ in known]
            axes.plot(places, means, "o-", color=colours[line], linewidth=2, label=line)
            for place, scores in known:
                axes.plot([place] * len(scores), scores, "o", markersize=4,
                          markerfacecolor="none", markeredgecolor=colours[line])  # fmt: skip
        axes.set_xticks(range(len(points)), [shorten(point, 16) for point in points])
        axes.set_xlabel(label)
        axes.set_ylabel("weighted F1")
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
        axes.margins(x=0.05, y=0.08)
        axes.legend(frameon=False)

    return Picture(WIDTH, HEIGHT, paint)


def _scores(row: Row) -> list[float]:
    """Of the seeds that have finished."""
    return [score for score in row.scores.values() if score is not None]
