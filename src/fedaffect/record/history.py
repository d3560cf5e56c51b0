"""What happened in a run: its events, without those that a resume has made void."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from fedaffect.errors import UserError
from fedaffect.federation import events as chain
from fedaffect.federation.events import EVENTS, Event

_OF_A_ROUND = {
    "round_started",
    "client_finished",
    "client_failed",
    "round_lost",
    "round_finished",
    "checkpoint",
}


@dataclass(frozen=True)
class History:
    """The events of one run, in order, each round once."""

    events: tuple[Event, ...]

    @classmethod
    def of(cls, events: Iterable[Event]) -> "History":
        """Keep what counts: a round that starts again (after a resume) voids its earlier attempt.

        Raises:
            UserError: no `run_started` event.
        """
        kept: list[Event] = []
        for event in events:
            if event["kind"] == "round_started":
                kept = [e for e in kept if not _void(e, from_round=event["round"])]
            elif event["kind"] in ("run_started", "statistics_finished"):
                kept = [e for e in kept if e["kind"] != event["kind"]]
            kept.append(event)
        if not any(event["kind"] == "run_started" for event in kept):
            raise UserError(f"{EVENTS}: no `run_started` event: not the record of a run")
        return cls(tuple(kept))

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
        return dict(self.start["experiment"])

    @property
    def classes(self) -> list[str]:
        return list(self.corpus["classes"])

    @property
    def modalities(self) -> list[str]:
        """Sorted, as every modality axis is."""
        return sorted(self.corpus["modalities"])

    @property
    def clients(self) -> list[str]:
        return [client["name"] for client in self.start["clients"]]

    @property
    def primary(self) -> str:
        """The evaluation that the run's headline figure stands for."""
        return str(self.start["evaluations"][0])

    @cached_property
    def selected(self) -> list[int]:
        """How often each client was in a round's cohort."""
        times = Counter(c for event in self.of_kind("round_started") for c in event["cohort"])
        return [times[index] for index in range(len(self.clients))]

    @property
    def never_selected(self) -> list[str]:
        return [name for name, times in zip(self.clients, self.selected, strict=True) if not times]

    def bytes_in(self, direction: str) -> int:
        """Bytes that went `up` or `down` over the whole run, feature statistics included."""
        if self.finish is not None:
            return int(self.finish[f"bytes_{direction}"])
        counted = self.of_kind("statistics_finished") + self.rounds
        return sum(int(event.get(f"bytes_{direction}", 0)) for event in counted)

    @cached_property
    def sent(self) -> dict[str, int]:
        """Bytes of tensors that clients sent, by kind (the first segment of a name), largest first."""
        total: Counter[str] = Counter()
        for event in self.of_kind("client_finished"):
            total.update(event.get("sent") or {})
        for event in self.of_kind("statistics_finished"):
            total["statistics"] += int(event["bytes_up"])
        return {kind: count for kind, count in total.most_common() if count}

    def dev_curve(self, mode: str, measure: str = "weighted_f1") -> tuple[list[int], list[float]]:
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


def _void(event: Event, from_round: int) -> bool:
    if event["kind"] == "run_finished":
        return True
    return event["kind"] in _OF_A_ROUND and int(event["round"]) >= from_round
