"""How far clients move away from the model they were sent, and whether they move the same way."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fedaffect.federation.algorithms.base import State
from fedaffect.federation.messages.update import Update
from fedaffect.randomness import generator

COORDINATES = 1024
LARGEST = 1e37
"""Squared lengths are capped here, so that a diverged model stays a finite number."""


@dataclass(frozen=True)
class Movement:
    """One client's update of one round.

    Attributes:
        length: Euclidean, over all parameters of the model.
        sample: [COORDINATES], the update at coordinates that are the same for all clients.
    """

    length: float
    sample: npt.NDArray[np.float64]


class Drift:
    """Looks at the models that clients send back in one round.

    Directions are compared on 1,024 coordinates drawn from the seed, so that memory holds no update: a cosine
    is off by about 0.03.
    """

    def __init__(self, state: State, seed: int) -> None:
        """`state`: what was broadcast; its `model/...` is where every client started."""
        self._start = {n: a for n, a in sorted(state.items()) if n.startswith("model/")}
        sizes = [a.size for a in self._start.values()]
        picked = np.sort(generator(seed, "drift").integers(0, max(sum(sizes), 1), COORDINATES))
        ends = np.cumsum(sizes)
        self._picked = {
            name: picked[(picked >= end - size) & (picked < end)] - (end - size)
            for name, size, end in zip(self._start, sizes, ends, strict=True)
        }
        self._clients: dict[int, Movement] = {}

    def observe(self, client: int, update: Update) -> None:
        """Take note of an update; one without a whole model moves nothing that could be compared."""
        if self._start and self._start.keys() <= update.tensors.keys():
            self._clients[client] = self._movement(update.tensors)

    def account(self, state: State) -> dict[str, list[float]]:
        """By client: how far it moved, and the cosine with what the server made of all updates.

        Args:
            state: after the round.

        Returns:
            `client`, `length` and `cosine`, equally long; empty where no models were sent.
        """
        if not self._clients:
            return {}
        mean = self._movement(state).sample
        return {
            "client": list(self._clients),
            "length": [m.length for m in self._clients.values()],
            "cosine": [_cosine(m.sample, mean) for m in self._clients.values()],
        }

    def _movement(self, model: State) -> Movement:
        squared, sample = 0.0, []
        with np.errstate(over="ignore"):  # of a model that diverges
            for name, start in self._start.items():
                moved = (model[name] - start).ravel()
                squared += min(float(moved @ moved), LARGEST)
                sample.append(moved[self._picked[name]])
        bounded = np.clip(np.concatenate(sample), -LARGEST, LARGEST)
        return Movement(float(np.sqrt(squared)), bounded.astype(np.float64))


def _cosine(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths else 0.0
