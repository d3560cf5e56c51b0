"""The events of a run as lines of a feed."""

from collections.abc import Sequence

from fedaffect.federation.events import Event
from fedaffect.report.formatting import count, data_size, figure, kind_in_words


def feed_line(event: Event, clients: Sequence[str]) -> str | None:
    """One line of the round feed, or None for an event that has none."""
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
                f"{name}: {kinds or 'nothing'} up, {data_size(event['bytes_up'])}{_delivery(event)}"
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


def _delivery(event: Event) -> str:
    """How an update was cut short, lost or late; empty where it was none of these."""
    work = f", after {event['work']:.0%} of its steps".replace("%", " %") if "work" in event else ""
    if event.get("lost"):
        return work + ", lost on its way"
    late = event.get("late")
    return work + (f", {count(late, 'round')} late" if late else "")
