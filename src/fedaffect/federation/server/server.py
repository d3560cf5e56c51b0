"""What the server works with, the same in every round, and its exchange with the clients."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from fedaffect.experiment import Experiment
from fedaffect.federation.algorithms.base import Algorithm, Context, State
from fedaffect.federation.availability import Trace
from fedaffect.federation.engines.base import Engine
from fedaffect.federation.events import EventLog
from fedaffect.federation.messages.reply import Reply
from fedaffect.federation.messages.request import Request
from fedaffect.federation.server.evaluator import Evaluator
from fedaffect.federation.server.participants import Participants


@dataclass(frozen=True)
class Server:
    """
    Attributes:
        trace: who is online when, where the experiment names such a file.
    """

    context: Context
    algorithm: Algorithm
    participants: Participants
    engine: Engine
    evaluator: Evaluator
    log: EventLog
    trace: Trace | None = None

    @property
    def experiment(self) -> Experiment:
        return self.context.experiment

    def exchange(
        self, stage: str, requests: Sequence[Request], traffic: "Traffic"
    ) -> Iterator[Reply]:
        """The engine's replies, their bytes counted; where all data lie in one place nothing travels."""
        for reply in self.engine.exchange(stage, requests):
            if self.algorithm.all_in_one_client:
                reply = replace(reply, bytes_up=0, bytes_down=0)
            traffic.up += reply.bytes_up
            traffic.down += reply.bytes_down
            yield reply


@dataclass
class Traffic:
    """Bytes of encoded payloads."""

    up: int = field(default=0)
    down: int = field(default=0)


def broadcast_of(state: State) -> State:
    """What is broadcast of a state: all but what begins with `server/`."""
    return {n: a for n, a in state.items() if not n.startswith("server/")}
