"""What an engine promises. Where client work runs is its business alone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from fedaffect.experiment import Section
from fedaffect.federation.messages.reply import Reply
from fedaffect.federation.messages.request import Request, Work


class Memories(Protocol):
    """Where an engine's clients keep what they remember; see `client.memory`."""

    def forget(self, keep: list[int], after: int) -> None: ...

    def rewind(self, to: int) -> None: ...


@dataclass(frozen=True)
class Workplace:
    """What an engine is given to work with.

    Attributes:
        make_work: builds the clients' work in the process that calls it; picklable.
        volumes: how many supervised utterances each client has to learn from.
        memory: the store that the clients' work writes to.
        workers: `engine.workers`.
    """

    make_work: Callable[[], Work]
    volumes: Sequence[int]
    memory: Memories
    workers: int = 1


class Engine(Protocol):
    """Where client work runs: this process, worker processes, other machines.

    An engine is found by its name (`registry`): a class of a file here with nested `Settings`, made as
    `Class(settings, workplace)`, the settings a mapping of the experiment's further `[engine]` keys.
    """

    Settings: ClassVar[type[Section]]

    def exchange(self, stage: str, requests: Sequence[Request]) -> Iterator[Reply]:
        """One reply a request, *in the order of the requests*: sums then have one order everywhere.

        A client that fails costs a reply without an update, never the round.
        """

    def commit(self, keep: Sequence[int], round_number: int) -> None:
        """A checkpoint of `round_number` stands; memories are needed only as of the rounds in `keep`."""

    def rewind(self, round_number: int) -> None:
        """Forget what clients remembered after `round_number`: the run resumes there, or was lost since."""

    def close(self) -> None:
        """Let go of processes and connections."""
