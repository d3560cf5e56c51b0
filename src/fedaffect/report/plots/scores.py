"""Pictures of what a finished run is worth on the test split."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from fedaffect.record.history import History
from fedaffect.report.drawing import INK, MUTED, PAPER, WIDTH, Drawing, Floats, draw, shorten
from fedaffect.report.formatting import figure
from fedaffect.report.palette import ACCENT, modality_colours


def confusion_matrix(history: History) -> Drawing | None:
    """Of the primary evaluation on test; see `confusion`."""
    if history.finish is None:
        return None
    return confusion(history.classes, history.finish["confusion"])


def confusion(classes: Sequence[str], confused: Sequence[Sequence[int]]) -> Drawing:
    """Rows true, columns estimated; colour by row share, counts in the cells."""
    counts = np.array(confused, dtype=np.int64)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [shorten(name, 11) for name in classes]

    def paint(axes: Axes) -> None:
        _cells(axes, share, [[str(n) for n in row] for row in counts])
        axes.set_xticks(range(len(names)), names, rotation=0 if len(names) <= 6 else 45)
        axes.set_yticks(range(len(names)), names)
        axes.set_xlabel("estimated")
        axes.set_ylabel("true")
        axes.xaxis.set_label_position("top")
        axes.xaxis.tick_top()

    hardest = int(np.where(counts.sum(1) > 0, np.diagonal(share), 2.0).argmin())
    words = (
        "Confusion matrix, rows true and columns estimated. "
        f"Least recalled: {classes[hardest]}, {figure(share[hardest, hardest], 2)}."
    )
    return Drawing(draw("confusion", WIDTH, 60 + 34 * len(names), paint), words)


def modality_weights(history: History) -> Drawing | None:
    """Mean weight of each modality by true class; None where the model has no such weights."""
    if history.finish is None or not history.finish.get("modality_weights"):
        return None
    weights: Floats = np.array(history.finish["modality_weights"], dtype=np.float64)
    colours, names = modality_colours(history.modalities), [shorten(n) for n in history.classes]

    def paint(axes: Axes) -> None:
        base = np.zeros(len(weights))
        for column, colour in zip(weights.T, colours, strict=True):
            axes.barh(range(len(weights)), column, left=base, color=colour, height=0.68,
                      edgecolor=PAPER, linewidth=1)  # fmt: skip
            for row, (start, width) in enumerate(zip(base, column, strict=True)):
                if width >= 0.08:
                    ink = "#ffffff" if _is_dark(colour) else "#14181f"
                    at = (start + width / 2, row)
                    axes.annotate(f"{width:.2f}", at, ha="center", va="center", color=ink)
            base += column
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_xticks([])
        axes.set_xlim(0, max(1.0, float(np.nanmax(base))))
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)

    legend = tuple(zip(history.modalities, colours, strict=True))
    words = "Mean modality weights on the test set, by true class."
    return Drawing(draw("modalities", WIDTH, 40 + 28 * len(names), paint), words, legend)


def reliability(history: History) -> Drawing | None:
    """Of the primary evaluation on test; see `calibration`."""
    if history.finish is None or not history.finish.get("reliability"):
        return None
    return calibration(history.finish["reliability"])


def calibration(counted: Sequence[Sequence[float]]) -> Drawing | None:
    """How often a model was right, by how sure it was; on the diagonal it knows what it knows.

    Args:
        counted: as `Evaluation.reliability`; None is drawn where nothing was.
    """
    items, confidence, correct = np.array(counted, dtype=np.float64).T
    seen = items > 0
    if not seen.any():
        return None
    centre, right = confidence[seen] / items[seen], correct[seen] / items[seen]
    area = 12 + 170 * items[seen] / items.max()

    def paint(axes: Axes) -> None:
        axes.grid()
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (3, 3)))
        axes.plot(centre, right, color=ACCENT, linewidth=1.4)
        axes.scatter(centre, right, s=area, color=ACCENT, alpha=0.75, linewidth=0, clip_on=False)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="correct")

    words = "Reliability: share of correct estimates by confidence; larger dots hold more items."
    return Drawing(draw("reliability", WIDTH, 250, paint), words)


def _cells(axes: Axes, share: Floats, text: Sequence[Sequence[str]]) -> None:
    """A heat map of rounded cells with text; strength by opacity, so that it suits dark paper."""
    rows, columns = share.shape
    for (row, column), value in np.ndenumerate(share):
        box = Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, color=ACCENT,
                        alpha=round(0.06 + 0.9 * float(value), 3), linewidth=0)  # fmt: skip
        axes.add_patch(box)
        ink = "#ffffff" if value > 0.8 else INK
        axes.annotate(text[row][column], (column, row), ha="center", va="center", color=ink)
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    for side in axes.spines.values():
        side.set_visible(False)


def _is_dark(colour: str) -> bool:
    red, green, blue = to_rgb(colour)
    return 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
