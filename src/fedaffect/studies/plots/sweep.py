"""An ablation along an axis: a line for each kind of run, a point for each step, over seeds."""

import statistics
from collections.abc import Sequence

from matplotlib.axes import Axes

from fedaffect.report.drawing import by_height, shorten
from fedaffect.report.palette import series_colours
from fedaffect.report.picture import Picture
from fedaffect.studies.study.plan import line_and_point
from fedaffect.studies.study.rows import Row

WIDTH, HEIGHT = 620, 300


def sweep(rows: Sequence[Row], label: str) -> Picture:
    """Weighted F1 of rows called `LINE, POINT`: lines through means, bands of ± the sample sd, a dot a seed.

    Points stand where their numbers are, or, where one is no number, side by side in their order. Lines of
    another evaluation than the first are dashed, and named after it: they are not to be compared.
    """
    named = {line_and_point(row.row): row for row in rows}
    lines = list(dict.fromkeys(line for line, _ in named))
    points = list(dict.fromkeys(point for _, point in named))
    places = _places(points)
    colours = dict(zip(lines, series_colours(len(lines)), strict=True))
    modes = {line: mode for (line, _), row in named.items() if (mode := row.evaluation)}
    first = next(iter(modes.values()), None)

    def paint(axes: Axes) -> None:
        by_height(axes, 6)
        for line in lines:
            found = [(places[p], _scores(row)) for (of, p), row in named.items() if of == line]
            known = sorted((place, scores) for place, scores in found if scores)
            mode, colour = modes.get(line), colours[line]
            axes.plot(
                [place for place, _ in known],
                [statistics.fmean(scores) for _, scores in known],
                "o-" if mode in (first, None) else "o--",
                color=colour,
                linewidth=2,
                label=f"{line} ({mode})" if len({*modes.values()}) > 1 else line,
            )
            several = [(place, *_spread(scores)) for place, scores in known if len(scores) > 1]
            if several:
                at, low, high = zip(*several, strict=True)
                axes.fill_between(at, low, high, color=colour, alpha=0.16, linewidth=0)
            for place, scores in known:
                axes.plot([place] * len(scores), scores, "o", markersize=4,
                          markerfacecolor="none", markeredgecolor=colour)  # fmt: skip
        axes.set_xticks(list(places.values()), [shorten(point, 16) for point in places])
        axes.set_xlabel(label)
        axes.set_ylabel("weighted F1")
        axes.margins(x=0.05, y=0.08)
        axes.legend(frameon=False)

    return Picture(WIDTH, HEIGHT, paint)


def _places(points: Sequence[str]) -> dict[str, float]:
    try:
        return {point: float(point) for point in points}
    except ValueError:
        return {point: float(place) for place, point in enumerate(points)}


def _scores(row: Row) -> list[float]:
    """Of the seeds that have finished."""
    return [score for score in row.scores.values() if score is not None]


def _spread(scores: Sequence[float]) -> tuple[float, float]:
    mean, sd = statistics.fmean(scores), statistics.stdev(scores)
    return mean - sd, mean + sd
