"""What a client answers, or why it does not."""

from dataclasses import dataclass

from fedaffect.federation.messages.update import Update


class RefusedError(Exception):
    """A client that sends nothing, and why."""


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
