"""A feature, and the interface of a feature set."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fedaffect.features.body.filters import Signal


@dataclass(frozen=True)
class Feature:
    """One column of a modality.

    Attributes:
        low, high: between these a worn sensor plausibly reads, whoever wears it. Public, so that a feature
            can be scaled or cut into bins without looking at anybody; values may lie beyond them.
    """

    name: str
    unit: str
    meaning: str
    low: float
    high: float


Extract = Callable[[npt.NDArray[np.floating], float], Signal | None]
"""`(samples [time], rate in Hz) -> float64 [features]` of one window; None where it cannot tell.

What comes back is finite, and 0 is a measured zero. Any array may be given: what is not finite, or beyond
1e9, is a gap, and a window that is known by less than half cannot tell anything.
"""


@dataclass(frozen=True)
class FeatureSet:
    """The columns of a modality, in order, and the function that makes them."""

    features: tuple[Feature, ...]
    extract: Extract

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features)
