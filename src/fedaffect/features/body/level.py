"""How high a slow signal stands and where it goes: skin temperature, a measured heart rate, motion."""

import numpy as np
import numpy.typing as npt

from fedaffect.features.body.feature import Feature, FeatureSet
from fedaffect.features.body.filters import Signal, without_gaps


def columns(unit: str, low: float, high: float, steep: float) -> tuple[Feature, ...]:
    """The columns of `statistics`.

    Args:
        low, high: between which the signal itself plausibly lies.
        steep: its steepest plausible slope, a minute.
    """
    return (
        Feature("mean", unit, "mean", low, high),
        Feature("sd", unit, "standard deviation", 0, (high - low) / 4),
        Feature("min", unit, "lowest sample", low, high),
        Feature("max", unit, "highest sample", low, high),
        Feature("slope", f"{unit}/min", "slope of the least-squares line", -steep, steep),
    )


def statistics(samples: Signal, rate: float) -> list[float]:
    """Mean, standard deviation, minimum, maximum, and slope a minute."""
    minutes = np.arange(len(samples)) / rate / 60
    minutes -= minutes.mean()
    slope = minutes @ (samples - samples.mean()) / (minutes @ minutes)
    return [float(v) for v in (samples.mean(), samples.std(), samples.min(), samples.max(), slope)]


def level(unit: str, low: float, high: float, steep: float) -> FeatureSet:
    """The set of a signal that its level alone describes, at any rate."""
    return FeatureSet(columns(unit, low, high, steep), extract)


def extract(samples: npt.NDArray[np.floating], rate: float) -> Signal | None:
    """`statistics` of a window."""
    whole = without_gaps(samples)
    return None if whole is None else np.array(statistics(whole, rate))
