"""The record of a run: append-only lines of JSON, each sealed with a hash of all before it.

All that any view shows comes from here. Kinds, in the order in which a run writes them:
`run_started`, `statistics_finished`, then for each round `round_started`, `client_finished` or
`client_failed` for each client, `round_finished` or `round_lost`, `checkpoint`; at the end
`run_finished`. A `client_finished` has, where they apply, `work` (the fraction of its steps that a
client took), `lost` (its update never arrived) and `late` (by how many rounds); a round's `late` counts the
late updates that it used. A resumed run writes `resumed` and repeats rounds after its checkpoint; of two
events of one round the later holds. `rounds.record` may ask for less; failures are always recorded.
"""

import fcntl
import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from fedaffect.errors import UserError, refused

Event = dict[str, Any]
Listener = Callable[[Event], None]
EVENTS = "events.jsonl"
_START = "0" * 64
_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_ROUNDS_AND_ENDS = frozenset({"client_finished"})
_ENDS = _ROUNDS_AND_ENDS | {"statistics_finished", "round_started", "round_finished", "checkpoint"}
UNWRITTEN: dict[str, frozenset[str]] = {
    "clients": frozenset(),
    "rounds": _ROUNDS_AND_ENDS,
    "ends": _ENDS,
}
"""By `rounds.record`, the kinds that only listeners receive."""


class EventLog:
    """Appends to `events.jsonl` (or to nothing, with `path=None`) and calls its listeners."""

    def __init__(
        self, path: Path | None, listeners: tuple[Listener, ...] = (), record: str = "clients"
    ) -> None:
        """Continue a log; a last line that a crash cut short is dropped. Only one process may.

        Args:
            record: how much is written; see `UNWRITTEN`.

        Raises:
            UserError: the log was altered, or another process is writing it.
        """
        self._listeners, self._unwritten = listeners, UNWRITTEN[record]
        self._number, self._previous, self._file = 0, _START, None
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")
        try:
            _claim(self._file, path)
            last = deque(read(path), maxlen=1)
        except UserError:
            self._file.close()
            raise
        with path.open("rb") as lines:
            self._file.truncate(sum(len(line) for line in lines if line.endswith(b"\n")))
        for event in last:
            self._number, self._previous = event["n"] + 1, event["hash"]

    def append(self, kind: str, **fields: Any) -> Event:
        """Write one event and hand it to the listeners.

        Raises:
            UserError: it cannot be written. What is left of its line is no part of the record.
        """
        event: Event = {
            "n": self._number,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "kind": kind,
            **fields,
        }
        if kind not in self._unwritten:
            self._write(event)
        for listener in self._listeners:
            listener(event)
        return event

    def _write(self, event: Event) -> None:
        """Seal an event and add it to the file."""
        event["previous"] = self._previous
        text = _COMPACT.encode(event)
        event["hash"] = self._previous = hashlib.sha256(text.encode()).hexdigest()
        self._number += 1
        if self._file is None:
            return
        try:
            self._file.write(f'{text[:-1]},"hash":"{event["hash"]}"}}\n')
            self._file.flush()
        except OSError as error:
            error.filename = self._file.name
            raise refused(error) from None

    def close(self) -> None:
        if self._file is not None:
            with suppress(OSError):  # of a write that has failed and been reported already
                self._file.close()


def read(path: Path) -> Iterator[Event]:
    """All events, one by one, each after its link of the chain has been verified.

    Raises:
        UserError: no such log, or a line that is not what was written.
    """
    if not path.is_file():
        raise UserError(f"{path}: no event log here; is this the folder of a run?")
    previous = _START
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                break  # a crash cut the last line short; it was never part of the record
            try:
                event = json.loads(line)
                intact = event["previous"] == previous and _is_sealed(line, event["hash"])
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                intact = False
            if not intact:
                raise UserError(
                    f"{path}: line {number} was altered: its hash does not fit the chain"
                )
            previous = event["hash"]
            yield event


def _claim(file: TextIO, path: Path) -> None:
    """Lock the log until it is closed, or its process ends in whatever way."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(
            f"{path}: another process is at work on this run; wait for it, or stop it first"
        ) from None


def _is_sealed(line: bytes, seal: str) -> bool:
    """Whether a line ends with its hash, and that is the hash of all that stands before it."""
    text = line.removesuffix(f',"hash":"{seal}"}}\n'.encode())
    return len(text) < len(line) and hashlib.sha256(text + b"}").hexdigest() == seal
