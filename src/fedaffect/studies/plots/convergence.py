"""How fast the rows of a table learn: dev by round, with what seeds make of it."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from fedaffect.report.drawing import by_round
from fedaffect.report.palette import series_colours
from fedaffect.report.picture import Picture
from fedaffect.report.plots.curves import DASHES
from fedaffect.studies.study.rows import Row

WIDTH, HEIGHT = 680, 380


def convergence(rows: Sequence[Row]) -> Picture | None:
    """Mean dev weighted F1 by round of each row, in a band of ± the sample sd over seeds.

    Only rounds that all of a row's seeds have reached. Named from the highest end downwards; a row of another
    evaluation than the first is named after it. None where no row has two rounds.
    """
    drawn = {}
    for row in rows:
        curves = [dict(zip(*curve, strict=True)) for curve in row.dev_curves.values()]
        rounds = sorted(set.intersection(*map(set, curves))) if curves else []
        if len(rounds) > 1:
            drawn[row] = rounds, np.array([[curve[r] for r in rounds] for curve in curves])
    if not drawn:
        return None
    first = next(iter(drawn)).evaluation

    def paint(axes: Axes) -> None:
        by_round(axes, 0.05, ticks=6)
        ends: list[tuple[float, Line2D]] = []
        colours = series_colours(len(drawn))
        for number, (row, (rounds, scores)) in enumerate(drawn.items()):
            mean, colour = scores.mean(axis=0), colours[number]
            dashes = DASHES[number // len(set(colours)) % len(DASHES)]
            name = row.row if row.evaluation == first else f"{row.row} ({row.evaluation})"
            (line,) = axes.plot(
                rounds, mean, color=colour, linestyle=dashes, linewidth=1.8, label=name
            )
            ends.append((mean[-1], line))
            if len(scores) > 1:
                sd = scores.std(axis=0, ddof=1)
                axes.fill_between(
                    rounds, mean - sd, mean + sd, color=colour, alpha=0.1, linewidth=0
                )
        axes.set_ylabel("weighted F1 on dev")
        by_height = [line for _, line in sorted(ends, key=lambda pair: -pair[0])]
        axes.legend(handles=by_height, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)

    return Picture(WIDTH, HEIGHT, paint)
