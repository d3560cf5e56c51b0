"""Simulated faults of clients and of the network, drawn from the seed, so that any process draws the same.

Updates that are late wait as tensors of the server's own, so that a checkpoint keeps them like all else.
"""

from dataclasses import dataclass, replace
from math import log
from typing import Any

import numpy as np

from fedaffect.experiment import Experiment
from fedaffect.federation.algorithms.base import Algorithm, State
from fedaffect.federation.messages.update import Update
from fedaffect.randomness import generator
from fedaffect.schema import Tensors

LATE = "server/late/"


@dataclass(frozen=True)
class ClientFault:
    """The faults of one client in one round.

    Attributes:
        completed_fraction: how many of its steps it takes.
        drops_out: it fails: what it would have learnt and remembered never was.
        lost: its update never arrives; the client goes on as if it had.
        delay: the rounds by which its update misses the one it was sent in.
    """

    completed_fraction: float = 1.0
    drops_out: bool = False
    lost: bool = False
    delay: int = 0

    @property
    def recorded(self) -> dict[str, Any]:
        """The fields of the event `client_finished`; empty where there is no fault."""
        return {
            **({"work": self.completed_fraction} if self.completed_fraction < 1 else {}),
            **({"lost": True} if self.lost else {}),
            **({"late": self.delay} if self.delay and not self.lost else {}),
        }


NO_FAULT = ClientFault()


def draw_fault(
    algorithm: Algorithm, experiment: Experiment, round_number: int, client: int
) -> ClientFault:
    """The faults of a client in a round; none where all data lie in one place.

    It straggles, drops out, and its update is lost, each with its probability; a straggler's
    `completed_fraction` is uniform in (0, 1]; P(delay ≥ k) = late^k.
    """
    conditions = experiment.conditions
    asked = (conditions.stragglers, conditions.drop_out, conditions.lost)
    if algorithm.all_in_one_client or not (any(asked) or conditions.late):
        return NO_FAULT
    draws = generator(experiment.seed, "fate", round_number, client).random(len(asked) + 2)
    straggles, drops_out, lost = (bool(p > draw) for p, draw in zip(asked, draws, strict=False))
    work, late = 1 - draws[-2:]  # in (0, 1]
    return ClientFault(
        completed_fraction=float(work) if straggles else 1.0,
        drops_out=drops_out,
        lost=lost,
        delay=int(log(late) / log(conditions.late)) if conditions.late else 0,
    )


def store_late(update: Update, client: int, sent: int, due: int) -> Tensors:
    """An update that will arrive in round `due`, as a tensor of the server's own."""
    payload = np.frombuffer(update.encode(), np.uint8)
    return {f"{LATE}{due:06d}/{sent:06d}/{client:06d}": payload}


def pop_due(state: State, round_number: int, discount: float) -> tuple[list[Update], Tensors]:
    """The late updates of a state that are there by a round, and what of them still waits.

    The longest awaited come first; each weighs discount^(rounds since it was sent).
    """
    found, waiting = list[Update](), dict[str, Any]()
    for name in sorted(name for name in state if name.startswith(LATE)):
        due, sent, _ = map(int, name.removeprefix(LATE).split("/"))
        if due <= round_number:
            update = Update.decode(state[name].tobytes())
            found.append(discounted(update, discount ** (round_number - sent)))
        else:
            waiting[name] = state[name]
    return found, waiting


def without_late(state: State) -> State:
    """A state without the updates that wait in it."""
    return {name: array for name, array in state.items() if not name.startswith(LATE)}


def discounted(update: Update, factor: float) -> Update:
    """The update, weighing so much less."""
    weights = {"": 1.0, **update.weights}  # what has no weight counts 1
    return replace(
        update,
        weights={name: weight * factor for name, weight in weights.items()},
        fallback={name: weight * factor for name, weight in update.fallback.items()},
    )
