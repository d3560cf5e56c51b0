"""Pictures of the way a run went, by round."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from fedaffect.record.drawing import INK, PAPER, WIDTH, Drawing, draw, heat_image, shorten
from fedaffect.record.history import History, quartiles
from fedaffect.record.palette import ACCENT, ALARM
from fedaffect.record.wording import figure


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


def clients_by_rounds(history: History) -> Drawing | None:
    """Each client's personal dev weighted F1 by round; outlined where its update did not come."""
    evaluated = [e for e in history.rounds if any(v is not None for v in e.get("client_dev") or [])]
    if len(evaluated) < 2 or len(history.clients) < 2:
        return None
    scores = np.array([e["client_dev"] for e in evaluated], dtype=np.float64).T
    column = {e["round"]: i for i, e in enumerate(evaluated)}
    failed = [(column[e["round"]], e["client"]) for e in history.of_kind("client_failed")
              if e["round"] in column]  # fmt: skip
    low, high = np.nanmin(scores), np.nanmax(scores)

    def paint(axes: Axes) -> None:
        heat_image(axes, 0.06 + 0.94 * (scores - low) / max(high - low, 1e-9))
        for x, y in failed[:500]:
            box = Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, edgecolor=ALARM, linewidth=1.4)
            axes.add_patch(box)
        ends = [0, len(scores) - 1]
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
