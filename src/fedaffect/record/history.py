"""What happened in a run: its events, without those that a resume has made void.

A run may have far more clients than anybody looks at one by one. Of their reports only sums are kept, so that
memory grows with clients and with rounds, but never with their product.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import nan
from pathlib import Path
from typing import Any

import numpy as np

from fedaffect.errors import UserError
from fedaffect.experiment import with_new_names
from fedaffect.federation import events as chain
from fedaffect.federation.events import EVENTS, Event
from fedaffect.learning.metrics import Counts
from fedaffect.record.client_reports import OF_CLIENTS, ClientReports, ClientReportsByRound

_OF_A_ROUND = ("round_started", "round_lost", "round_finished", "checkpoint")


Curve = tuple[list[int], list[float]]
"""Rounds, and a score after each."""


@dataclass(frozen=True)
class History:
    """The events of one run, in order, each round once.

    What `rounds.record` left out of the record is None here, never 0.

    Attributes:
        events: all but those of clients; in them, lists with a number a client are arrays.
        client_reports: the sums of those, by round.
        latest: the last few of those, whole.
        length: how many events were read, void ones included.
        last_hash: of the last; empty where events have none.
    """

    events: tuple[Event, ...]
    client_reports: Mapping[int, ClientReports]
    latest: tuple[Event, ...]
    length: int
    last_hash: str

    @classmethod
    def of(cls, events: Iterable[Event]) -> "History":
        """Keep what counts: a resume, or a round that starts again, voids the earlier attempt.

        Raises:
            UserError: no `run_started` event.
        """
        kept, clients, length, event = list[Event](), ClientReportsByRound(), 0, dict[str, Any]()
        for event in events:
            length += 1
            if event["kind"] in OF_CLIENTS:
                clients.add(event)
                continue
            if event["kind"] == "run_started":
                kept, clients = [], ClientReportsByRound()
            elif event["kind"] in ("round_started", "resumed"):
                before = event["round"] + (event["kind"] == "resumed")
                _rewind(kept, before)
                clients.rewind(before)
            kept.append(_compact(event))
        if not any(event["kind"] == "run_started" for event in kept):
            raise UserError(f"{EVENTS}: no `run_started` event: not the record of a run")
        last_hash = str(event.get("hash", ""))
        return cls(tuple(kept), clients.rounds, tuple(clients.latest), length, last_hash)

    @classmethod
    def read(cls, folder: Path) -> "History":
        """The history of a run's folder.

        Raises:
            UserError: no events file there, or a broken chain.
        """
        path = folder / EVENTS
        if not path.is_file():
            raise UserError(f"{folder}: no {EVENTS} there; give the folder of a run")
        return cls.of(chain.read(path))

    def of_kind(self, kind: str) -> list[Event]:
        return [event for event in self.events if event["kind"] == kind]

    @cached_property
    def start(self) -> Event:
        return self.of_kind("run_started")[0]

    @cached_property
    def finish(self) -> Event | None:
        """What the run ended with; None where it did not."""
        return next(iter(self.of_kind("run_finished")), None)

    @cached_property
    def rounds(self) -> list[Event]:
        """The `round_finished` events, in order."""
        return self.of_kind("round_finished")

    @property
    def corpus(self) -> Event:
        return dict(self.start["corpus"])

    @property
    def experiment(self) -> Event:
        """As it was resolved, with today's names of settings."""
        return with_new_names(self.start["experiment"], quiet=True)

    @property
    def record(self) -> str:
        """How much was written down: `clients` (everything), `rounds` or `ends`."""
        rounds = self.start.get("experiment", {}).get("rounds", {})
        return str(rounds.get("record", "clients"))

    @property
    def records_clients(self) -> bool:
        """Whether what each client sent in each round was recorded."""
        return self.record == "clients"

    @property
    def records_rounds(self) -> bool:
        """Whether rounds were recorded, and not only the run's two ends."""
        return self.record != "ends"

    @property
    def classes(self) -> list[str]:
        return list(self.corpus["classes"])

    @property
    def modalities(self) -> list[str]:
        """Sorted, as every modality axis is."""
        return sorted(self.corpus["modalities"])

    @cached_property
    def clients(self) -> list[str]:
        return [client["name"] for client in self.start["clients"]]

    @property
    def primary(self) -> str:
        """The evaluation that the run's headline figure stands for."""
        return str(self.start["evaluations"][0])

    @property
    def rounds_done(self) -> int | None:
        """How many rounds came to an end."""
        if self.records_rounds:
            return len(self.rounds)
        return int(self.finish["rounds"]) if self.finish else None

    @cached_property
    def selected(self) -> list[int] | None:
        """How often each client was in a round's cohort."""
        ended = (self.finish or {}).get("clients")
        if ended:
            return [int(client["selected"]) for client in ended]
        if not self.records_rounds:
            return None
        times = np.zeros(len(self.clients), np.int64)
        for event in self.of_kind("round_started"):
            times[event["cohort"]] += 1
        return [int(n) for n in times]

    @property
    def never_selected(self) -> list[str] | None:
        if self.selected is None:
            return None
        return [name for name, times in zip(self.clients, self.selected, strict=True) if not times]

    def bytes_in(self, direction: str) -> int | None:
        """Bytes that went `up` or `down` over the whole run, feature statistics included."""
        if self.finish is not None:
            return int(self.finish[f"bytes_{direction}"])
        if not self.records_rounds:
            return None
        return sum(int(event.get(f"bytes_{direction}", 0)) for event in self.events)

    def reached(self, target: float) -> tuple[int, int] | None:
        """The first round after which dev weighted F1 was at least `target`, and all bytes until then.

        Up and down, feature statistics and lost rounds included. None where it never was, or is not recorded.
        """
        moved = 0
        for event in self.events:
            moved += int(event.get("bytes_up", 0)) + int(event.get("bytes_down", 0))
            score = (event.get("dev") or {}).get(self.primary, {}).get("weighted_f1", -1.0)
            if event["kind"] == "round_finished" and score >= target:
                return int(event["round"]), moved
        return None

    @cached_property
    def sent(self) -> dict[str, int] | None:
        """Bytes of tensors that clients sent, by kind (the first segment of a name), largest first."""
        if not self.records_clients:
            return None
        total: Counter[str] = Counter()
        for reports in self.client_reports.values():
            total.update(reports.sent)
        for event in self.of_kind("statistics_finished"):
            total["statistics"] += int(event["bytes_up"])
        return {kind: count for kind, count in total.most_common() if count}

    @cached_property
    def bytes_up_by_client(self) -> list[int] | None:
        """Bytes that each client sent for training."""
        if not self.records_clients:
            return None
        total = np.zeros(len(self.clients), np.int64)
        for reports in self.client_reports.values():
            np.add.at(total, reports.clients, reports.bytes_up)
        return [int(n) for n in total]

    @property
    def lost_and_late(self) -> tuple[int, int]:
        """How many updates were lost on their way, and how many came in a later round or not in time."""
        reports = self.client_reports.values()
        return sum(r.lost for r in reports), sum(r.late for r in reports)

    @cached_property
    def confusion_by_conversation(self) -> Counts | None:
        """int64 [test conversations, classes, classes] of the one global model; None where there is none."""
        counts = (self.finish or {}).get("confusion_by_conversation")
        return None if counts is None else np.array(counts, np.int64)

    def mean_reported(self, number: int, name: str) -> float | None:
        """The mean over clients of a number they reported in a round; None where none did."""
        reports = self.client_reports.get(number)
        if reports is None or not reports.reported[name]:
            return None
        return reports.scalars[name] / reports.reported[name]

    def separation(self, number: int) -> float | None:
        """How far apart classes lie after a round: nearest other prototype by width of a class."""
        measures = next((e.get("measures") for e in self.rounds if e["round"] == number), None)
        apart = (measures or {}).get("nearest_other_class")
        within = self.mean_reported(number, "within_class")
        return apart / within if apart is not None and within else None

    @cached_property
    def client_sd_last_5(self) -> float | None:
        """How much a client's own dev score moves over the last five evaluated rounds, mean over clients."""
        last = [e["client_dev"] for e in self.rounds if e.get("client_dev")][-5:]
        spread = np.std(np.array(last, np.float64), axis=0) if last else np.empty(0)
        known = spread[np.isfinite(spread)]
        return float(known.mean()) if len(known) else None

    def dev_curve(self, mode: str, measure: str = "weighted_f1") -> Curve:
        """(rounds, values) of a dev score, for the rounds that were evaluated."""
        points = [
            (event["round"], event["dev"][mode][measure])
            for event in self.rounds
            if measure in (event.get("dev") or {}).get(mode, {})
        ]
        return [r for r, _ in points], [v for _, v in points]


def quartiles(values: Sequence[float | None]) -> tuple[float, float, float] | None:
    """Lower quartile, median and upper quartile of clients' scores; None where there is none."""
    known = [value for value in values if value is not None and np.isfinite(value)]
    if not known:
        return None
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
    return float(low), float(middle), float(high)


def _rewind(events: list[Event], before: int) -> None:
    """Drop what belongs to round `before` and to all after it: they stand last."""
    resumed = []
    while events and (events[-1]["kind"] == "resumed" or _is_void(events[-1], before)):
        event = events.pop()
        if event["kind"] == "resumed":
            resumed.append(event)
    events.extend(reversed(resumed))


def _is_void(event: Event, before: int) -> bool:
    if event["kind"] == "run_finished":
        return True
    return event["kind"] in _OF_A_ROUND and int(event["round"]) >= before


def _compact(event: Event) -> Event:
    """Lists with a number a client as arrays; no score is NaN."""
    found = dict(event)
    for name in ("cohort", "offline"):
        if event.get(name):
            found[name] = array("q", event[name])
    if event.get("client_dev"):
        scores = (nan if score is None else score for score in event["client_dev"])
        found["client_dev"] = array("d", scores)
    return found
