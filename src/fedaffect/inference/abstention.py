"""Abstention: a class is predicted only where its probability reaches a threshold."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fedaffect.schema import Floats, Integers

UNCERTAIN = -1
"""The decision where no class reaches its threshold."""


def decide(probability: npt.NDArray[np.floating], threshold: float | Floats = 0.0) -> Integers:
    """The most probable class, or `UNCERTAIN` where its probability is below the threshold.

    Args:
        probability: [..., classes].
        threshold: one for all classes, or [classes].

    Returns:
        int64 [...].
    """
    best = probability.argmax(axis=-1)
    needed = np.broadcast_to(threshold, probability.shape[-1])[best]
    return np.where(probability.max(axis=-1) >= needed, best, UNCERTAIN).astype(np.int64)


def named(decision: Integers, classes: Sequence[str]) -> list[str]:
    """The names of decisions; that of `UNCERTAIN` is `uncertain`."""
    return ["uncertain" if k == UNCERTAIN else classes[k] for k in decision]
