"""The pictures of docs/results/in-vehicle.md."""

from collections.abc import Mapping, Sequence
from math import ceil

import numpy as np
from matplotlib.axes import Axes

from fedaffect.report.drawing import INK
from fedaffect.report.palette import series_colours
from fedaffect.report.picture import Picture
from research.in_vehicle.corrupted import CorruptedResult, FaceResult
from research.in_vehicle.fusion import WeightedResult
from research.in_vehicle.pairs import BODY, FACE
from research.in_vehicle.tables import SHOWN

PANEL, LEGEND = 160, 36
"""Heights, in points."""
Line = tuple[str, Sequence[float], Sequence[float], str, str]
"""Name, where, mean, colour, dashes."""


def weights(results: Sequence[WeightedResult]) -> Picture:
    """A line for each approach and rule."""
    kinds = list(dict.fromkeys((w.learnt, w.rule) for w in results))
    approaches = list(dict.fromkeys(learnt for learnt, _ in kinds))
    colours = dict(zip(approaches, series_colours(len(approaches)), strict=True))
    lines = [
        (f"{learnt.replace('`', '')}: {rule}", *_curve(
            [(w.weight, w.balanced_accuracy) for w in results if (w.learnt, w.rule) == (learnt, rule)]
        ), colours[learnt], "-" if rule == "mean" else "--")
        for learnt, rule in kinds
    ]  # fmt: skip

    def paint(axes: Axes) -> None:
        _lines(axes, lines)
        axes.set(xlabel="weight of the face", ylabel="balanced accuracy", xlim=(0, 1))
        axes.legend(frameon=False, fontsize=8)

    return Picture(620, 320, paint)


def corrupted(results: Sequence[CorruptedResult]) -> Picture:
    """A panel a corruption; a colour for each row, dashes for models trained on corrupted items."""
    rows = dict(zip((FACE, BODY, SHOWN), series_colours(3), strict=True))
    names = {FACE: "face alone", BODY: "body alone", SHOWN: "fused"}
    dashes = dict(zip(dict.fromkeys(s.training for s in results), ("-", "--"), strict=False))
    panels = {
        corruption: [
            (f"{names[row]}, {training}", *_curve([
                (s.severity, s.balanced_accuracy)
                for s in results
                if (s.corruption, s.row, s.training) == (corruption, row, training)
            ]), colour, dash)
            for row, colour in rows.items()
            for training, dash in dashes.items()
        ]
        for corruption in dict.fromkeys(s.corruption for s in results)
    }  # fmt: skip
    return _panels(panels, "balanced accuracy")


def faces(results: Sequence[FaceResult]) -> Picture:
    """The same in seven classes."""
    trainings = list(dict.fromkeys(a.training for a in results))
    colours = dict(zip(trainings, series_colours(len(trainings)), strict=True))
    panels = {
        corruption: [
            (training, *_curve([
                (a.severity, a.accuracy)
                for a in results
                if (a.corruption, a.training) == (corruption, training)
            ]), colour, "-")
            for training, colour in colours.items()
        ]
        for corruption in dict.fromkeys(a.corruption for a in results)
    }  # fmt: skip
    return _panels(panels, "accuracy, seven classes")


def _panels(panels: Mapping[str, Sequence[Line]], label: str) -> Picture:
    """Small pictures with one scale, and one legend below all."""
    across = min(4, len(panels))
    down = ceil(len(panels) / across)
    height = PANEL * down + LEGEND
    means = np.concatenate([line[2] for lines in panels.values() for line in lines])
    low, high = float(means.min()) - 0.03, float(means.max()) + 0.03

    def paint(axes: Axes) -> None:
        axes.set_axis_off()
        for place, (title, lines) in enumerate(panels.items()):
            row, column = divmod(place, across)
            bottom = (height - PANEL * (row + 0.8)) / height
            where = ((column + 0.14) / across, bottom, 0.82 / across, 0.66 * PANEL / height)
            inner = axes.inset_axes(where)
            _lines(inner, lines)
            inner.set(ylim=(low, high), xticks=range(6))
            inner.tick_params(labelsize=8)
            inner.set_title(title, fontsize=9, color=INK)
            if column:
                inner.set_yticklabels([])
            else:
                inner.set_ylabel(label, fontsize=8)
            if place + across >= len(panels):
                inner.set_xlabel("severity", fontsize=8)
        for name, *_, colour, dash in next(iter(panels.values())):
            axes.plot([], [], color=colour, linestyle=dash, label=name)
        axes.legend(frameon=False, fontsize=8, loc="lower center", ncols=3, borderaxespad=0)

    return Picture(180 * across, height, paint)


def _lines(axes: Axes, lines: Sequence[Line]) -> None:
    axes.grid(axis="y")
    for name, where, mean, colour, dash in lines:
        axes.plot(where, mean, color=colour, linestyle=dash, linewidth=1.6, label=name)


def _curve(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Where, and the mean of the values there."""
    places = sorted({place for place, _ in points})
    return places, [float(np.mean([v for at, v in points if at == place])) for place in places]
