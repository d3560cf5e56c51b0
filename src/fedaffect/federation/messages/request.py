"""What the server asks of one client."""

from collections.abc import Callable
from dataclasses import dataclass

from fedaffect.federation.messages.update import Update
from fedaffect.schema import Tensors


@dataclass(frozen=True)
class Request:
    """From the server to one client.

    Attributes:
        stage: a name of `federation.stages`.
        round: for `fit` the round at work; for `evaluate` the round whose memory counts.
        state: what is broadcast; nothing that begins with `server/`.
        split: what to evaluate on.
    """

    stage: str
    client: int
    round: int
    state: Tensors
    split: str = ""


Work = Callable[[Request], Update]
"""A client's part of a stage; it raises `RefusedError` where it sends nothing."""
