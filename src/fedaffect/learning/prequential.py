"""Prequential evaluation: every item is predicted before it is learnt from.

Dawid 1984, "Statistical Theory: The Prequential Approach"; for streams Gama, Sebastião, Rodrigues 2013, "On
evaluating stream learning algorithms".
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


class Incremental(Protocol):
    """A model that learns item by item."""

    def predict(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Probabilities [n, classes] of rows [n, columns]."""

    def learn(self, rows: Rows, label: Labels) -> None:
        """Learn from rows [n, columns] with labels [n]."""


def prequential(model: Incremental, rows: Rows, label: Labels) -> npt.NDArray[np.floating]:
    """Probabilities [n, classes] of each item by the model that has learnt from all earlier items.

    Args:
        rows, label: [n, columns] and [n] in order of time; at least one.
    """
    probabilities = []
    for row, of_row in zip(rows[:, None], label[:, None], strict=True):
        probabilities.append(model.predict(row))
        model.learn(row, of_row)
    return np.concatenate(probabilities)
