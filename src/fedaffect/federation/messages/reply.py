"""A client's answer, or the reason why there is none."""

from dataclasses import dataclass

from fedaffect.federation.messages.update import Update


class RefusedError(Exception):
    """A client sends nothing; the message is the reason."""


@dataclass(frozen=True)
class Reply:
    """One client's answer, or why there is none.

    Attributes:
        update: None where the client failed or refused; `reason` is then its line.
        bytes_down, bytes_up: on the encoded payloads.
        seconds: the client's work, as the engine saw it.
    """

    client: int
    update: Update | None
    reason: str
    bytes_down: int
    bytes_up: int
    seconds: float
