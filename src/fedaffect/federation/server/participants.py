"""What a coordinator knows of the clients."""

from dataclasses import dataclass

from fedaffect.schema import Integers


@dataclass(frozen=True)
class Participants:
    """Names, and what the clients agreed to report.

    Attributes:
        names: one a client; its index is what requests and replies call it.
        labels: int64 [clients, classes], supervised utterances by class.
    """

    names: tuple[str, ...]
    labels: Integers

    @property
    def volumes(self) -> Integers:
        """int64 [clients]: supervised utterances."""
        volumes: Integers = self.labels.sum(axis=1)
        return volumes

    def __len__(self) -> int:
        return len(self.names)
