"""Pictures of how clients and prototypes move: drift, direction, separation, and who shapes a prototype."""

import numpy as np
from matplotlib.axes import Axes

from fedaffect.record.history import History, quartiles
from fedaffect.report.drawing import (
    EACH_CLIENT,
    WIDTH,
    Drawing,
    by_round,
    draw,
    heat_image,
    shorten,
)
from fedaffect.report.formatting import figure
from fedaffect.report.palette import ACCENT

SECOND = "#e69f00"


def drift(history: History) -> Drawing | None:
    """How far clients move from the model they were sent, by round; None where no model travels."""
    return _clients_by_round(
        history, "length", "How far clients move from the model they were sent"
    )


def alignment(history: History) -> Drawing | None:
    """The cosine of clients' updates with the mean update, by round; None where no model travels."""
    return _clients_by_round(history, "cosine", "Cosine of clients' updates with the mean update")


def separation(history: History) -> Drawing | None:
    """How far prototypes of classes lie apart, and how wide classes are; None without any.

    Their ratio is the separation, whatever units embeddings have.
    """
    apart = [
        (e["round"], e["measures"]["nearest_other_class"])
        for e in history.rounds
        if "nearest_other_class" in (e.get("measures") or {})
    ]
    if len(apart) < 2:
        return None
    within = [
        (number, mean)
        for number, _ in apart
        if (mean := history.mean_reported(number, "within_class")) is not None
    ]

    def paint(axes: Axes) -> None:
        by_round(axes)
        axes.plot(*zip(*apart, strict=True), color=ACCENT, linewidth=2.2)
        if within:
            axes.plot(
                *zip(*within, strict=True), color=SECOND, linewidth=1.6, linestyle=(0, (4, 2))
            )
        axes.set_ylim(bottom=0)

    words = (
        f"Distance between the nearest prototypes of two classes: {figure(apart[-1][1])} at last"
    )
    legend = [("to the nearest other class", ACCENT)]
    if within:
        words += f"; utterances lie {figure(within[-1][1])} from their client's own"
        legend.append(("within a class, utterances to their client's prototype", SECOND))
    return Drawing(draw("separation", WIDTH, 230, paint), words + ".", tuple(legend))


def prototype_weights(history: History) -> Drawing | None:
    """Whose prototypes made the last global ones: clients by classes; None where none were scored."""
    last = max((number for number in history.client_reports), default=0)
    scalars = {
        e["client"]: e.get("scalars") or {}
        for e in history.latest
        if e["kind"] == "client_finished" and e["round"] == last
    }
    names = sorted(
        {n.partition("/")[2] for s in scalars.values() for n in s if n.startswith("score/")}
    )
    algorithm = history.experiment["algorithm"]
    literal = algorithm.get("aggregate") == "literal_step_11"  # which is no share of anything
    if not names or literal or not 1 < len(scalars) <= EACH_CLIENT:
        return None
    power = algorithm.get("count_power", 1.0)
    score, count = (
        np.array([[s.get(f"{part}/{n}", np.nan) for n in names] for s in scalars.values()])
        for part in ("score", "count")
    )
    weight = score * count**power
    # Where every score is 0 the counts decide (eq. 10's fallback).
    weight = np.where(np.nansum(weight, axis=0) > 0, weight, count**power)
    total = np.nansum(weight, axis=0)
    share = np.divide(weight, total, out=np.full_like(weight, np.nan), where=total > 0)

    def paint(axes: Axes) -> None:
        heat_image(axes, np.sqrt(share).T)
        axes.set_yticks(range(len(names)), [shorten(n) for n in names])
        step = 1 + len(scalars) // 30
        clients = [shorten(history.clients[i], 11) for i in scalars]
        axes.set_xticks(range(0, len(scalars), step), clients[::step], rotation=90, fontsize=8)

    largest, even = float(np.nanmax(share, initial=0.0)), 1 / len(scalars)
    words = (
        f"The part of each client in the prototypes of round {last}: the darker, the larger (at most "
        f"{figure(largest, 2)}; even would be {figure(even, 2)}). Blank: the client sent none, "
        "or its part is 0."
    )
    return Drawing(draw("weights", WIDTH, 60 + 18 * len(names) + 70, paint), words)


def _clients_by_round(history: History, part: str, words: str) -> Drawing | None:
    """Median and middle half over clients, by round."""
    spread = [
        (e["round"], quartiles((e.get("drift") or {}).get(part) or [])) for e in history.rounds
    ]
    known = [(number, q) for number, q in spread if q is not None]
    if len(known) < 2:
        return None
    rounds = [number for number, _ in known]

    def paint(axes: Axes) -> None:
        by_round(axes)
        low, high = [q[0] for _, q in known], [q[2] for _, q in known]
        axes.fill_between(rounds, low, high, color=ACCENT, alpha=0.16, linewidth=0)
        axes.plot(rounds, [q[1] for _, q in known], color=ACCENT, linewidth=2.2)

    first, last = known[0][1][1], known[-1][1][1]
    words += f": median {figure(first)} at first, {figure(last)} at last."
    legend = (("median", ACCENT), ("middle half of the clients", ACCENT + "33"))
    return Drawing(draw(part, WIDTH, 200, paint), words, legend)
