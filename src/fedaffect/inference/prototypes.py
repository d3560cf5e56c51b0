"""Class prototypes with numpy alone: means of embeddings, their margins, and the nearest of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]


def unit(embedding: npt.NDArray[Any]) -> Vector:
    """Rows [n, d] scaled to length 1; a zero row stays zero."""
    length = np.linalg.norm(embedding, axis=-1, keepdims=True)
    scaled: Vector = (embedding / np.maximum(length, 1e-12)).astype(np.float32)
    return scaled


def class_means(embedding: npt.NDArray[Any], label: npt.NDArray[np.int64]) -> dict[int, Vector]:
    """The mean embedding of each class that occurs; a class without an item has no prototype."""
    return {
        int(k): embedding[label == k].mean(axis=0, dtype=np.float64).astype(np.float32)
        for k in np.unique(label)
    }


def nearest_other(prototypes: Mapping[int, Vector]) -> dict[int, float]:
    """Distance from each class's prototype to the nearest other one; empty for fewer than two."""
    return {
        k: min(float(np.linalg.norm(own - other)) for j, other in prototypes.items() if j != k)
        for k, own in prototypes.items()
        if len(prototypes) > 1
    }


def nearest_prototype(
    embedding: npt.NDArray[Any], prototypes: Mapping[int, Vector], classes: int
) -> Vector:
    """Probabilities [n, classes]: softmax of minus the squared distance; 0 where no prototype is.

    The largest is the nearest prototype's class (Snell et al. 2017, eq. 2).
    """
    known = sorted(prototypes)
    centre = np.stack([prototypes[k] for k in known])
    squared = ((embedding[:, None, :] - centre[None]) ** 2).sum(axis=-1)
    shifted = np.exp(squared.min(axis=1, keepdims=True) - squared)
    probability = np.zeros((len(embedding), classes), np.float32)
    probability[:, known] = shifted / shifted.sum(axis=1, keepdims=True)
    return probability
