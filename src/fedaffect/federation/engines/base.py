"""What an engine promises. Where client work runs is its business alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from fedaffect.federation.client.runtime import Request
from fedaffect.federation.messages.update import Update


@dataclass(frozen=True)
class Reply:
    """One client's answer, or why there is none.

    Attributes:
        update: None where the client failed or refused; `reason` then says why.
        bytes_down, bytes_up: on the encoded payloads.
        seconds: the client's work, as the engine saw it.
    """

    client: int
    update: Update | None
    reason: str
    bytes_down: int
    bytes_up: int
    seconds: float


class Engine(Protocol):
    """Where client work runs: this process, worker processes, other machines."""

    def exchange(self, stage: str, messages: Sequence[Request]) -> Iterator[Reply]:
        """One reply a message, *in the order of the messages*: sums then have one order everywhere.

        A client that fails costs a reply without an update, never the round.
        """

    def commit(self, keep: Sequence[int], round_number: int) -> None:
        """A checkpoint of `round_number` stands; memories are needed only as of the rounds in `keep`."""

    def rewind(self, round_number: int) -> None:
        """Forget what clients remembered after `round_number`: the run resumes there, or was lost since."""

    def close(self) -> None:
        """Let go of processes and connections."""
