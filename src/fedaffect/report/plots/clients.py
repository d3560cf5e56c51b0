"""Pictures of who took part: what clients hold, and what travelled to and from them."""

import numpy as np
from matplotlib.axes import Axes

from fedaffect.record.history import History
from fedaffect.report.drawing import (
    EACH_CLIENT,
    GRID,
    INK,
    PAPER,
    WIDTH,
    Drawing,
    by_height,
    distribution,
    draw,
    heat_image,
    shorten,
    write_beside,
)
from fedaffect.report.formatting import data_size, figure, kind_in_words
from fedaffect.report.palette import ACCENT, class_colours

MANY_CLIENTS = 60
DISTINCT = 60


def labels_by_client(history: History) -> Drawing:
    """How many supervised utterances of each class every client holds."""
    labels = np.array([client["labels"] for client in history.start["clients"]], dtype=np.int64)
    clients, colours = history.clients, class_colours(history.classes)

    def bars(axes: Axes) -> None:
        by_height(axes, 5, integer=True)
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
        axes.set_ylabel("utterances")
        axes.margins(x=0.01)

    def heat(axes: Axes) -> None:
        share = labels.T / max(labels.max(), 1)
        heat_image(axes, np.sqrt(share))
        axes.set_yticks(range(len(history.classes)), [shorten(n) for n in history.classes])
        axes.set_xlabel(f"{len(clients)} clients")

    def shares(axes: Axes) -> None:
        bins = min(int(labels.max()) + 1, DISTINCT)
        edges = np.linspace(-0.5, labels.max() + 0.5, bins + 1)
        heat_image(axes, np.sqrt(distribution(list(labels.T.astype(np.float64)), edges)[::-1].T))
        axes.set_yticks(range(len(history.classes)), [shorten(n) for n in history.classes])
        axes.set_xticks([0, bins - 1], ["0", str(labels.max())])
        axes.set_xlabel(
            f"utterances a client holds; the darker, the more of {len(clients)} clients"
        )

    if len(clients) > EACH_CLIENT:
        words = (
            "How many supervised utterances of each class clients hold: "
            f"{figure(labels.mean(), 1)} on average, {labels.max()} at most."
        )
        return Drawing(draw("labels", WIDTH, 200, shares), words)
    words = "Supervised utterances by client and class; the table of clients has the volumes."
    if len(clients) > MANY_CLIENTS:
        return Drawing(draw("labels", WIDTH, 200, heat), words)
    legend = tuple(zip(history.classes, colours, strict=True))
    return Drawing(draw("labels", WIDTH, 230, bars), words, legend)


def bytes_by_kind(history: History) -> Drawing | None:
    """What travelled over the whole run: each kind that clients sent, and all that they received."""
    up, down, sent = history.bytes_in("up"), history.bytes_in("down"), history.sent
    if up is None or down is None:
        return None
    bars = [(f"up: {kind_in_words(kind)}", count) for kind, count in (sent or {}).items()]
    rest = up - sum(count for _, count in bars)
    if rest > 0:
        bars.append(("up: names, scalars" if history.records_clients else "up: everything", rest))
    bars.append(("down: everything", down))
    if not any(count for _, count in bars):
        return None

    def paint(axes: Axes) -> None:
        counts = [count for _, count in bars]
        colours = [ACCENT] * (len(bars) - 1) + [GRID]
        axes.barh(range(len(bars)), counts, color=colours, height=0.62)
        for row, count in enumerate(counts):
            write_beside(axes, data_size(count), (count, row), color=INK)
        axes.set_yticks(range(len(bars)), [shorten(name, 26) for name, _ in bars])
        axes.invert_yaxis()
        axes.set_xlim(0, max(counts) * 1.28)
        axes.set_xticks([])
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)

    words = "Bytes by kind: " + "; ".join(f"{name} {data_size(count)}" for name, count in bars)
    return Drawing(draw("bytes", WIDTH, 36 + 26 * len(bars), paint), words + ".")
