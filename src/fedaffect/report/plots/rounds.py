"""Pictures of the way a run went, by round."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from fedaffect.record.history import History, quartiles
from fedaffect.report.drawing import (
    EACH_CLIENT,
    INK,
    PAPER,
    WIDTH,
    Drawing,
    Floats,
    by_round,
    distribution,
    draw,
    heat_image,
    shorten,
)
from fedaffect.report.formatting import figure
from fedaffect.report.palette import ACCENT, ALARM

BINS = 40
MOST_ROUNDS = 400
Scored = list[tuple[int, Floats]]
"""Rounds, and in each the score of every client."""


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
        by_round(axes, 0.14)
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

    legend = [(f"{history.primary} evaluation", ACCENT), *((m, c) for m, c in colours.items())]
    if band:
        legend.append(("middle half of the clients (personal)", ACCENT + "33"))
    words = f"Dev weighted F1 by round: {figure(values[0])} at first, {figure(values[-1])} at last."
    return Drawing(draw("rounds", WIDTH, 230, paint), words, tuple(legend))


def clients_by_rounds(history: History) -> Drawing | None:
    """Clients' personal dev weighted F1 by round: each client's, or of many how they are distributed."""
    scored = [
        (e["round"], np.array(e["client_dev"])) for e in history.rounds if e.get("client_dev")
    ]
    scored = [(number, values) for number, values in scored if np.isfinite(values).any()]
    if len(scored) < 2 or len(history.clients) < 2:
        return None
    scored = scored[:: 1 + len(scored) // MOST_ROUNDS]
    return _each(history, scored) if len(history.clients) <= EACH_CLIENT else _spread(scored)


def _each(history: History, scored: Scored) -> Drawing:
    """A row a client; outlined where its update did not come."""
    scores = np.stack([values for _, values in scored], axis=1)
    failed = [
        (column, client)
        for column, (number, _) in enumerate(scored)
        if number in history.client_reports
        for client in history.client_reports[number].failed
    ]
    low, high = np.nanmin(scores), np.nanmax(scores)

    def paint(axes: Axes) -> None:
        heat_image(axes, 0.06 + 0.94 * (scores - low) / max(high - low, 1e-9))
        for x, y in failed[:500]:
            box = Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, edgecolor=ALARM, linewidth=1.4)
            axes.add_patch(box)
        ends = [0, len(scores) - 1]
        axes.set_yticks(ends, [shorten(history.clients[i], 11) for i in ends])
        _name_rounds(axes, scored)

    words = (
        f"Personal dev weighted F1 by client and round, from {figure(low)} (pale) to "
        f"{figure(high)} (full). {len(failed)} updates did not come."
    )
    legend = [(figure(low), ACCENT + "22"), (figure(high), ACCENT)]
    if failed:
        legend.append(("outlined: no update", ALARM))
    return Drawing(draw("clients", WIDTH, 230, paint), words, tuple(legend))


def _spread(scored: Scored) -> Drawing:
    """A row a bin of scores; the darker, the more clients."""
    low = min(float(np.nanmin(values)) for _, values in scored)
    high = max(float(np.nanmax(values)) for _, values in scored)
    edges = np.linspace(low, max(high, low + 1e-9), BINS + 1)
    share = distribution([values for _, values in scored], edges)

    def paint(axes: Axes) -> None:
        heat_image(axes, np.sqrt(share / share.max()))
        axes.set_yticks([0, BINS - 1], [figure(high, 2), figure(low, 2)])
        _name_rounds(axes, scored)

    words = (
        f"Distribution of the clients' personal dev weighted F1, from {figure(low)} (below) to "
        f"{figure(high)} (above), by round; the darker, the more clients."
    )
    return Drawing(draw("clients", WIDTH, 230, paint), words)


def _name_rounds(axes: Axes, scored: Scored) -> None:
    shown = range(0, len(scored), 1 + len(scored) // 10)
    axes.set_xticks(shown, [str(scored[i][0]) for i in shown])
    axes.set_xlabel("round")
