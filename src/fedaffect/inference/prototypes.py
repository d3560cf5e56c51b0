"""Class prototypes with numpy alone: means of embeddings, their margins, and nearest-prototype prediction.

A class has one prototype or m centres. The number of a prototype is class × m + centre.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

LLOYD_STEPS = 10
Vector = npt.NDArray[np.float32]


def unit(embedding: npt.NDArray[Any]) -> Vector:
    """Rows [n, d] scaled to length 1; a zero row stays zero."""
    length = np.linalg.norm(embedding, axis=-1, keepdims=True)
    scaled: Vector = (embedding / np.maximum(length, 1e-12)).astype(np.float32)
    return scaled


def class_means(embedding: npt.NDArray[Any], label: npt.NDArray[np.int64]) -> dict[int, Vector]:
    """The mean embedding of each class that occurs; a class without items has none."""
    return {
        int(k): embedding[label == k].mean(axis=0, dtype=np.float64).astype(np.float32)
        for k in np.unique(label)
    }


def assign_centres(
    embedding: npt.NDArray[Any], centres: int, known: Mapping[int, Vector], axis: Vector
) -> npt.NDArray[np.int64]:
    """Assign the embeddings of one class to its centres.

    With known centres, to the nearest: one step of k-means over all clients. Without, by a local k-means that
    starts from quantiles along a direction common to all clients, so that their centres have the same order.

    Args:
        embedding: [n, d], of one class.
        known: centres by position.
        axis: [d], the common direction.

    Returns:
        int64 [n], positions in 0..centres-1; fewer embeddings than centres get one each.
    """
    if known:
        return _nearest(embedding, known)
    rank = np.argsort(np.argsort(embedding @ axis, kind="stable"), kind="stable")
    assigned: npt.NDArray[np.int64] = rank * min(centres, len(rank)) // max(len(rank), 1)
    for _ in range(LLOYD_STEPS if len(rank) else 0):
        moved = _nearest(embedding, class_means(embedding, assigned))
        if np.array_equal(moved, assigned):
            break
        assigned = moved
    return assigned


def nearest_other(prototypes: Mapping[int, Vector], centres: int = 1) -> dict[int, float]:
    """Distance from each prototype to the nearest of another class; none where there is no other class."""
    found = {}
    for number, own in prototypes.items():
        others = [c for j, c in prototypes.items() if j // centres != number // centres]
        if others:
            found[number] = min(float(np.linalg.norm(own - other)) for other in others)
    return found


def squared_distances(
    embedding: npt.NDArray[Any], prototypes: Mapping[int, Vector], classes: int, centres: int = 1
) -> npt.NDArray[np.float64]:
    """float64 [n, classes]: squared distance to the nearest centre of each class; infinite without one."""
    squared = np.full((len(embedding), classes), np.inf)
    for number, vector in prototypes.items():
        k = number // centres
        squared[:, k] = np.minimum(squared[:, k], _squared(embedding, vector[None])[:, 0])
    return squared


def nearest_prototype(squared: npt.NDArray[np.float64]) -> Vector:
    """Probabilities float32 [n, classes]: softmax of minus the squared distance (Snell et al. 2017, eq. 2).

    The most probable class is that of the nearest prototype.
    """
    shifted = np.exp(squared.min(axis=1, keepdims=True) - squared)
    probability: Vector = (shifted / shifted.sum(axis=1, keepdims=True)).astype(np.float32)
    return probability


def _nearest(embedding: npt.NDArray[Any], points: Mapping[int, Vector]) -> npt.NDArray[np.int64]:
    """The number of the nearest of some numbered points, int64 [n]."""
    numbers = np.array(sorted(points), dtype=np.int64)
    table = np.stack([points[int(number)] for number in numbers])
    nearest: npt.NDArray[np.int64] = numbers[_squared(embedding, table).argmin(axis=1)]
    return nearest


def _squared(embedding: npt.NDArray[Any], points: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Squared distances [n, p]."""
    distance: npt.NDArray[Any] = ((embedding[:, None, :] - points[None]) ** 2).sum(axis=-1)
    return distance
