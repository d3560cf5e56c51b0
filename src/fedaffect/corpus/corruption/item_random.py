"""Random numbers for each item: the same whatever else is in the batch, and at every severity."""

import numpy as np
import numpy.typing as npt

from fedaffect.randomness import Key, generator
from fedaffect.schema import Integers

Floats = npt.NDArray[np.float32]


class ItemRandom:
    """Random numbers for a batch of n items, each from its own generator, keyed by (seed, purpose, item).

    Args:
        item: int64 [n], rows of the corpus.
    """

    def __init__(self, seed: int, item: Integers, *purpose: Key) -> None:
        self._generators = [generator(seed, *purpose, int(i)) for i in item]

    def uniform(self, low: float, high: float, *shape: int) -> Floats:
        """float32 [n, *shape]"""
        return self._table(*[low + (high - low) * g.random(shape) for g in self._generators])

    def normal(self, *shape: int) -> Floats:
        """float32 [n, *shape], of mean 0 and standard deviation 1."""
        return self._table(*[g.standard_normal(shape) for g in self._generators])

    def sign(self, *shape: int) -> Floats:
        """float32 [n, *shape], -1 or 1."""
        return np.where(self.uniform(0, 1, *shape) < 0.5, np.float32(-1), np.float32(1))

    @staticmethod
    def _table(*rows: npt.NDArray[np.float64]) -> Floats:
        return np.stack(rows).astype(np.float32)
