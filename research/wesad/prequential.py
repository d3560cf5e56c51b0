"""Prequential evaluation of a person left out: a window is predicted, then its label updates the forest."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from fedaffect.learning.forest.counts import CountedForest
from fedaffect.learning.metrics import scores
from fedaffect.learning.prequential import prequential
from research.wesad.methods import DEPTH, SHARPNESS, SMOOTHING, TREES, counted, splits
from research.wesad.windows import Windows

CLASSES = 3
MINUTES = (1, 3, 6)
"""Of a condition: how long it has lasted, by which scores are grouped."""
A_MINUTE = 2  # windows
WEIGHTS = (0, 1, 10)

Estimate = Callable[[Windows, Windows, int], npt.NDArray[np.int64]]
"""(others, scaled; a person, scaled alike; seed) -> labels [n] of the person's windows, in order."""


def federated(train: Windows, own: Windows, seed: int, weight: float) -> npt.NDArray[np.int64]:
    """A `private` forest of the others that keeps counting the person's windows."""
    forest = splits(train, CLASSES, seed, TREES, DEPTH)
    model = CountedForest(forest, counted(forest, train), SMOOTHING, SHARPNESS, weight)
    return prequential(model, own.rows, own.label).argmax(axis=1)


def alone(train: Windows, own: Windows, seed: int) -> npt.NDArray[np.int64]:
    """The same forest without the counts of the others."""
    forest = splits(train, CLASSES, seed, TREES, DEPTH)
    nothing = np.zeros((TREES, 2**DEPTH, CLASSES))
    model = CountedForest(forest, nothing, SMOOTHING, SHARPNESS, 1)
    return prequential(model, own.rows, own.label).argmax(axis=1)


def previous_label(train: Windows, own: Windows, seed: int) -> npt.NDArray[np.int64]:
    """The label of the window before; the first time what most windows of the others are."""
    commonest = np.bincount(train.label).argmax()
    return np.concatenate([[commonest], own.label[:-1]])


def methods() -> Iterator[tuple[str, Estimate]]:
    yield "the label before, whatever is measured", previous_label
    yield "own windows alone", alone
    for weight in WEIGHTS:

        def estimate(
            train: Windows, own: Windows, seed: int, weight: float = weight
        ) -> npt.NDArray[np.int64]:
            return federated(train, own, seed, weight)

        name = f"others, and own windows {weight}-fold" if weight else "others, never learning"
        yield name, estimate


def lasting(label: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """int64 [n]: which stretch of its condition a window is of, by `MINUTES`."""
    place = np.arange(len(label))
    begins = np.where(np.diff(label, prepend=-1) != 0, place, 0)
    return np.digitize(place - np.maximum.accumulate(begins), A_MINUTE * np.array(MINUTES))


def table(windows: Windows, seeds: int) -> Iterator[tuple[str, float, float, list[float]]]:
    """(method, accuracy, balanced accuracy, accuracy in each stretch of the conditions)."""
    for name, estimate in methods():
        confusion = np.zeros((len(MINUTES) + 1, CLASSES, CLASSES), np.int64)
        for seed in range(seeds):
            for person in windows.people:
                own = windows.only(windows.subject == person)
                train, same = windows.only(windows.subject != person).scaled_for(own)
                estimated = estimate(train, same, seed)
                np.add.at(confusion, (lasting(own.label), own.label, estimated), 1)
        whole = scores(confusion.sum(axis=0))
        yield name, whole.accuracy, whole.uar, [scores(c).accuracy for c in confusion]
