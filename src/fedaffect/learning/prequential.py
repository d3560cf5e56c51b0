"""Prequential evaluation: every item is judged before it is learnt from.

Dawid 1984, "Statistical Theory: The Prequential Approach"; for streams Gama, Sebastião, Rodrigues 2013, "On
evaluating stream learning algorithms".
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


class Incremental(Protocol):
    """What learns item by item."""

    def predict(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Probabilities [n, classes] of rows [n, columns]."""

    def learn(self, rows: Rows, label: Labels) -> None:
        """Rows [n, columns] with their labels [n]."""


def prequential(model: Incremental, rows: Rows, label: Labels) -> npt.NDArray[np.floating]:
    """Probabilities [n, classes]: what a model says of each item, having learnt those before it and no other.

    Args:
        rows, label: [n, columns] and [n], in the order of time; at least one.
    """
    said = []
    for row, known in zip(rows[:, None], label[:, None], strict=True):
        said.append(model.predict(row))
        model.learn(row, known)
    return np.concatenate(said)
