"""What clients reported, summed up by round: their events are too many to be kept one by one."""

from array import array
from collections import Counter, deque
from dataclasses import dataclass, field

from fedaffect.federation.events import Event

OF_CLIENTS = ("client_finished", "client_failed")
LATEST = 400
"""How many of the last events of clients are kept whole, for whoever shows them."""


@dataclass
class ClientReports:
    """The reports of one round.

    Attributes:
        clients, bytes_up: who sent an update, and how large it was.
        failed: whose update did not come.
        lost, late: how many sent one that got lost on its way, and that comes in a later round.
        sent: bytes of tensors by kind (the first segment of a name).
        scalars: the sum of each of the numbers beside them, by name.
        reported: how many clients reported each of these numbers.
    """

    clients: "array[int]" = field(default_factory=lambda: array("q"))
    bytes_up: "array[int]" = field(default_factory=lambda: array("q"))
    failed: "array[int]" = field(default_factory=lambda: array("q"))
    lost: int = 0
    late: int = 0
    sent: Counter[str] = field(default_factory=Counter)
    scalars: dict[str, float] = field(default_factory=dict)
    reported: Counter[str] = field(default_factory=Counter)

    def add(self, event: Event) -> None:
        """Enter a `client_finished` or a `client_failed`."""
        if event["kind"] == "client_failed":
            self.failed.append(event["client"])
            return
        self.clients.append(event["client"])
        self.bytes_up.append(int(event.get("bytes_up", 0)))
        self.sent.update(event.get("sent") or {})
        if event.get("lost"):  # it left the client, and reached nobody
            self.failed.append(event["client"])
            self.lost += 1
            return
        self.late += bool(event.get("late"))
        for name, value in (event.get("scalars") or {}).items():
            self.scalars[name] = self.scalars.get(name, 0.0) + value
            self.reported[name] += 1


class ClientReportsByRound:
    """Takes in the events of clients; a round that starts again voids its earlier attempt."""

    def __init__(self) -> None:
        self.rounds: dict[int, ClientReports] = {}
        self.latest: deque[Event] = deque(maxlen=LATEST)

    def add(self, event: Event) -> None:
        self.rounds.setdefault(event["round"], ClientReports()).add(event)
        self.latest.append(event)

    def rewind(self, before: int) -> None:
        """Forget round `before` and all after it."""
        while self.rounds and next(reversed(self.rounds)) >= before:
            self.rounds.popitem()
        while self.latest and self.latest[-1]["round"] >= before:
            self.latest.pop()
