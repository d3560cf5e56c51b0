"""The pictures of a run, each from its history, as inline SVG."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from fedaffect.record.drawing import GRID, INK, MUTED, PAPER, Drawing, draw, shorten
from fedaffect.record.history import History, quartiles
from fedaffect.record.palette import ACCENT, ALARM, class_colours, modality_colours
from fedaffect.record.wording import data_size, figure, kind_in_words

MANY_CLIENTS = 60
WIDTH = 420
Floats = npt.NDArray[np.float64]


def rounds_curve(history: History) -> Drawing | None:
    """Dev weighted F1 by round, with the clients' quartiles; None before the first evaluation."""
    rounds, values = history.dev_curve(history.primary)
    if not rounds:
        return None
    spread = [(e["round"], quartiles(e.get("client_dev") or [])) for e in history.rounds]
    band = [(r, q) for r, q in spread if q is not None]
    selected = history.finish["selected_round"] if history.finish else None
    others = [m for m in history.start["evaluations"][1:] if history.dev_curve(m)[0]]
    colours = dict(zip(others, ("#e69f00", "#009e73", "#cc79a7"), strict=False))

    def paint(axes: Axes) -> None:
        axes.grid(axis="y")
        axes.spines["left"].set_visible(False)
        if band:
            low, high = [q[0] for _, q in band], [q[2] for _, q in band]
            axes.fill_between(
                [r for r, _ in band], low, high, color=ACCENT, alpha=0.16, linewidth=0
            )
        for mode, colour in colours.items():
            axes.plot(*history.dev_curve(mode), color=colour, linewidth=1.2, linestyle=(0, (4, 2)))
        axes.plot(rounds, values, color=ACCENT, linewidth=2.2)
        if selected in rounds:
            at = values[rounds.index(selected)]
            axes.plot([selected], [at], "o", color=ACCENT, markeredgecolor=PAPER, markersize=8)
            axes.annotate(
                f"selected: {figure(at)}",
                (selected, at),
                xytext=(0, 9),
                textcoords="offset points",
                ha="right" if selected > np.mean(rounds) else "left",
                color=INK,
            )
        axes.set_xlabel("round")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
        axes.margins(x=0.02, y=0.14)

    legend = [(f"{history.primary} evaluation", ACCENT), *((m, c) for m, c in colours.items())]
    if band:
        legend.append(("middle half of the clients (personal)", ACCENT + "33"))
    words = f"Dev weighted F1 by round: {figure(values[0])} at first, {figure(values[-1])} at last."
    return Drawing(draw("rounds", WIDTH, 230, paint), words, tuple(legend))


def labels_by_client(history: History) -> Drawing:
    """How many supervised utterances of each class every client holds."""
    labels = np.array([client["labels"] for client in history.start["clients"]], dtype=np.int64)
    clients, colours = history.clients, class_colours(history.classes)

    def bars(axes: Axes) -> None:
        axes.grid(axis="y")
        axes.spines["left"].set_visible(False)
        base = np.zeros(len(labels))
        for column, colour in zip(labels.T, colours, strict=True):
            axes.bar(
                range(len(labels)),
                column,
                bottom=base,
                color=colour,
                width=0.76,
                edgecolor=PAPER,
                linewidth=0.6,
            )
            base += column
        names = [shorten(name, 11) for name in clients]
        step = 1 + len(labels) // 30
        axes.set_xticks(range(0, len(labels), step), names[::step], rotation=90, fontsize=8)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        axes.set_ylabel("utterances")
        axes.margins(x=0.01)

    def heat(axes: Axes) -> None:
        share = labels.T / max(labels.max(), 1)
        _image(axes, np.sqrt(share))
        axes.set_yticks(range(len(history.classes)), [shorten(n) for n in history.classes])
        axes.set_xlabel(f"{len(clients)} clients")

    words = "Supervised utterances by client and class; the table of clients has the volumes."
    if len(clients) > MANY_CLIENTS:
        return Drawing(draw("labels", WIDTH, 200, heat), words)
    legend = tuple(zip(history.classes, colours, strict=True))
    return Drawing(draw("labels", WIDTH, 230, bars), words, legend)


def clients_by_rounds(history: History) -> Drawing | None:
    """Each client's personal dev weighted F1 by round; outlined where its update did not come."""
    evaluated = [e for e in history.rounds if any(v is not None for v in e.get("client_dev") or [])]
    if len(evaluated) < 2:
        return None
    scores = np.array([e["client_dev"] for e in evaluated], dtype=np.float64).T
    column = {e["round"]: i for i, e in enumerate(evaluated)}
    failed = [(column[e["round"]], e["client"]) for e in history.of_kind("client_failed")
              if e["round"] in column]  # fmt: skip
    low, high = np.nanmin(scores), np.nanmax(scores)

    def paint(axes: Axes) -> None:
        _image(axes, 0.06 + 0.94 * (scores - low) / max(high - low, 1e-9))
        for x, y in failed[:500]:
            box = Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, edgecolor=ALARM, linewidth=1.4)
            axes.add_patch(box)
        ends = [0, len(scores) - 1] if len(scores) > 1 else [0]
        axes.set_yticks(ends, [shorten(history.clients[i], 11) for i in ends])
        step = 1 + len(evaluated) // 10
        shown = range(0, len(evaluated), step)
        axes.set_xticks(shown, [str(evaluated[i]["round"]) for i in shown])
        axes.set_xlabel("round")

    words = (
        f"Personal dev weighted F1 by client and round, from {figure(low)} (pale) to "
        f"{figure(high)} (full). {len(failed)} updates did not come."
    )
    legend = [(figure(low), ACCENT + "22"), (figure(high), ACCENT)]
    if failed:
        legend.append(("outlined: no update", ALARM))
    return Drawing(draw("clients", WIDTH, 230, paint), words, tuple(legend))


def confusion_matrix(history: History) -> Drawing | None:
    """Rows true, columns estimated; colour by row share, counts in the cells."""
    if history.finish is None:
        return None
    counts = np.array(history.finish["confusion"], dtype=np.int64)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [shorten(name, 11) for name in history.classes]

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
        f"Least recalled: {history.classes[hardest]}, {figure(share[hardest, hardest], 2)}."
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


def bytes_by_kind(history: History) -> Drawing | None:
    """What travelled over the whole run: each kind that clients sent, and all that they received."""
    sent = history.sent
    rest = history.bytes_in("up") - sum(sent.values())
    bars = [(f"up: {kind_in_words(kind)}", count) for kind, count in sent.items()]
    if rest > 0:
        bars.append(("up: names and scalars", rest))
    bars.append(("down: everything", history.bytes_in("down")))
    if not any(count for _, count in bars):
        return None

    def paint(axes: Axes) -> None:
        counts = [count for _, count in bars]
        colours = [ACCENT] * (len(bars) - 1) + [GRID]
        axes.barh(range(len(bars)), counts, color=colours, height=0.62)
        for row, count in enumerate(counts):
            axes.annotate(
                data_size(count),
                (count, row),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                color=INK,
            )
        axes.set_yticks(range(len(bars)), [shorten(name, 26) for name, _ in bars])
        axes.invert_yaxis()
        axes.set_xlim(0, max(counts) * 1.28)
        axes.set_xticks([])
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)

    words = "Bytes by kind: " + "; ".join(f"{name} {data_size(count)}" for name, count in bars)
    return Drawing(draw("bytes", WIDTH, 36 + 26 * len(bars), paint), words + ".")


def reliability(history: History) -> Drawing | None:
    """How often the model was right, by how sure it was; on the diagonal it knows what it knows."""
    if history.finish is None or not history.finish.get("reliability"):
        return None
    counted: Floats = np.array(history.finish["reliability"], dtype=np.float64)
    items, confidence, correct = counted.T
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


def _image(axes: Axes, strength: Floats) -> None:
    """A heat map as an embedded picture, small however many clients; NaN is left blank."""
    shade = np.empty((*strength.shape, 4))
    shade[..., :3] = to_rgb(ACCENT)
    shade[..., 3] = np.nan_to_num(np.clip(strength, 0, 1))
    axes.imshow(shade, aspect="auto", interpolation="none")
    for side in axes.spines.values():
        side.set_visible(False)


def _is_dark(colour: str) -> bool:
    red, green, blue = to_rgb(colour)
    return 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
