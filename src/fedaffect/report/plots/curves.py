"""The dev curves of several runs in one picture."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from fedaffect.record.history import Curve
from fedaffect.report.drawing import INK, WIDTH, Drawing, by_round, draw, shorten, write_beside
from fedaffect.report.formatting import figure
from fedaffect.report.palette import series_colours

HEIGHT = 250
DASHES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
_GAP = 0.07
"""Between the names at the ends of curves, as a share of the picture's height."""


def dev_curves(mode: str, curves: Mapping[str, Curve], runs: Sequence[str]) -> Drawing | None:
    """Dev weighted F1 by round in one evaluation, a line a run; None where no run has one.

    Args:
        runs: all runs of the page, so that each keeps its colour and its dashes in every picture.
    """
    drawn = {name: curve for name, curve in curves.items() if curve[0]}
    if not drawn:
        return None
    colours = dict(zip(runs, series_colours(len(runs)), strict=True))

    def paint(axes: Axes) -> None:
        by_round(axes, 0.1)
        for name, (rounds, values) in drawn.items():
            dashes = DASHES[list(runs).index(name) % len(DASHES)]
            axes.plot(rounds, values, color=colours[name], linewidth=2, linestyle=dashes, marker="o",
                      markersize=0 if len(rounds) > 1 else 5)  # fmt: skip
        ends = {name: values[-1] for name, (_, values) in drawn.items()}
        low, high = axes.get_ylim()
        for name, place in zip(
            ends, _apart([(v - low) / (high - low) for v in ends.values()]), strict=True
        ):
            style = {"xycoords": "axes fraction", "color": INK, "annotation_clip": False}
            write_beside(axes, shorten(name, 16), (1, place), **style)

    words = "; ".join(
        f"{name}: {figure(values[0])} at first, {figure(values[-1])} at last"
        for name, (_, values) in drawn.items()
    )
    picture = draw(f"curves-{mode}", WIDTH, HEIGHT, paint)
    return Drawing(
        picture,
        f"Dev weighted F1 by round ({mode}): {words}.",
        tuple((name, colours[name]) for name in drawn),
    )


def _apart(places: Sequence[float]) -> list[float]:
    """Heights as they are, but moved up where one would cover another."""
    found, least = [0.0] * len(places), -np.inf
    for at in np.argsort(places, kind="stable"):
        found[at] = least = max(places[at], least + _GAP)
    return found
