"""How things are said to a person: numbers with units, evaluations in words, the round feed."""

import math
from collections.abc import Sequence

from fedaffect.federation.events import Event

NOTHING = "–"

EVALUATIONS = {
    "global": "the shared model on the whole test set",
    "local": "each client's own model on the whole test set, mean over clients",
    "prototype": "the nearest global prototype on the whole test set",
    "personal": "each client's model on test items of its own classes, mean over clients",
}

KINDS = {
    "model": "model weights",
    "prototype": "class prototypes",
    "statistics": "feature statistics",
    "count": "labels by class",
    "distance": "distances to the global prototypes",
    "forest": "trees of a forest",
    "variate": "control variates",
    "evaluation": "evaluations",
}


def figure(value: float | None, digits: int = 3) -> str:
    """0.6812 → `0.681`; a dash where there is no value."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:.{digits}f}"


def signed(value: float | None) -> str:
    """0.02 → `+0.020`; a dash where there is no value."""
    return NOTHING if value is None else f"{value:+.3f}"


def with_spread(mean: float | None, sd: float | None, digits: int = 3) -> str:
    """0.6812, 0.01 → `0.681 ± 0.010`; without the latter where there is none."""
    return figure(mean, digits) + ("" if sd is None else f" ± {figure(sd, digits)}")


def interval(ends: Sequence[float] | None) -> str:
    """[0.61, 0.75] → `0.610 to 0.750`."""
    return f"{figure(ends[0])} to {figure(ends[1])}" if ends else NOTHING


def data_size(count: float | None) -> str:
    """2 300 000 → `2.3 MB`; decimal units; a dash where it is not known."""
    if count is None:
        return NOTHING
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f} B" if unit == "B" else f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def duration(seconds: float | None) -> str:
    """75 → `1 min 15 s`."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 client`, `20 clients`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}".replace(",", "\u202f")


def shape(sizes: Sequence[int]) -> str:
    """[6, 128] → `6 × 128`."""
    return " × ".join(map(str, sizes)) if sizes else "scalar"


def kind_in_words(kind: str) -> str:
    return KINDS.get(kind, kind)


def _befell(event: Event) -> str:
    """What befell a client's work and its update, where anything did."""
    told = f", after {event['work']:.0%} of its steps".replace("%", " %") if "work" in event else ""
    if event.get("lost"):
        return told + ", lost on its way"
    late = event.get("late")
    return told + (f", {count(late, 'round')} late" if late else "")


def feed_line(event: Event, clients: Sequence[str]) -> str | None:
    """One line of the round feed, or None where an event has nothing to tell."""
    match event["kind"]:
        case "run_started":
            return f"Hub: run {event['run']} initiated, {count(len(clients), 'client')}"
        case "resumed":
            return f"Hub: resumed at round {event['round']}"
        case "statistics_finished":
            return f"Hub: feature statistics summed, {data_size(event['bytes_up'])} up"
        case "round_started":
            offline = len(event.get("offline") or ())
            away = f", {offline} offline" if offline else ""
            return (
                f"Hub: round {event['round']} sent to {count(len(event['cohort']), 'client')}{away}"
            )
        case "client_finished":
            kinds = " and ".join(kind_in_words(kind) for kind in event.get("sent") or ())
            name = clients[event["client"]]
            return (
                f"{name}: {kinds or 'nothing'} up, {data_size(event['bytes_up'])}{_befell(event)}"
            )
        case "client_failed":
            return f"{clients[event['client']]}: no update: {event['reason']}"
        case "round_lost":
            return f"Hub: round {event['round']} lost: {event['reason']}"
        case "round_finished":
            late = f" ({event['late']} of them late)" if event.get("late") else ""
            return (
                f"Hub: round {event['round']} aggregated, {count(event['updates'], 'update')}{late}, "
                f"loss {figure(event.get('loss'))}, dev score {figure(event.get('score'))}"
            )
        case "run_finished":
            return f"Hub: finished after {count(event['rounds'], 'round')}"
    return None
