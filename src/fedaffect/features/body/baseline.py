"""What a person is like at rest: the first minutes of a recording, and everything after relative to them."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from fedaffect.features.body.filters import Signal

FURTHEST = 10.0
"""Standard deviations beyond which it no longer matters how far."""

FEWEST = 2


@dataclass(frozen=True)
class Baseline:
    """Mean and standard deviation of every feature over windows of the first minutes: [features] each."""

    mean: Signal
    deviation: Signal

    @classmethod
    def of(cls, windows: npt.NDArray[np.float64]) -> Self | None:
        """That of windows [n, features]; None of fewer than two.

        A feature that never moved has deviation 1: from then on its change counts as it is.
        """
        if len(windows) < FEWEST:
            return None
        mean, deviation = windows.mean(axis=0), windows.std(axis=0)
        return cls(mean, np.where(deviation > 1e-6 * np.abs(mean), deviation, 1.0))

    def relative(self, features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Standard deviations from the mean, held to ±10: [..., features]."""
        return np.clip((features - self.mean) / self.deviation, -FURTHEST, FURTHEST)
