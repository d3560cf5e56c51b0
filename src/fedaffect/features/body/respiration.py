"""Breathing, from a belt or any signal that follows the chest."""

import numpy as np
import numpy.typing as npt

from fedaffect.features.body import level
from fedaffect.features.body.feature import Feature, FeatureSet
from fedaffect.features.body.filters import Signal, low_pass, thinned, without_gaps

SLOWEST, FASTEST = 0.1, 0.8
"""Hz: 6 to 48 breaths a minute; what is slower is drift."""

FINENESS = 0.005
ENOUGH = 8.0

COLUMNS = (
    *level.columns("as recorded", -10, 10, 100),
    Feature("rate", "1/min", "breaths a minute: where the spectrum is highest; 0 if flat", 0, 48),
    Feature(
        "regularity", "", "share of the breaths' power within 0.05 Hz of that; 0 if flat", 0, 1
    ),
)


def extract(samples: npt.NDArray[np.floating], rate: float) -> Signal | None:
    """The features of a window, sampled at 1 Hz or more."""
    whole = without_gaps(samples)
    if whole is None:
        return None
    belt, rate = thinned(whole, rate, ENOUGH)
    return np.array([*level.statistics(belt, rate), *breathing(belt, rate)])


def breathing(belt: Signal, rate: float) -> tuple[float, float]:
    """Breaths a minute and their regularity, from the periodogram under a Hann window."""
    swing = belt - low_pass(belt, rate, SLOWEST)
    size = max(len(swing), round(rate / FINENESS))
    power = np.abs(np.fft.rfft(swing * np.hanning(len(swing)), size)) ** 2
    frequency = np.fft.rfftfreq(size, 1 / rate)
    breaths = (frequency >= SLOWEST) & (frequency <= FASTEST)
    power, frequency = power[breaths], frequency[breaths]
    if not power.sum() > 0:
        return 0.0, 0.0
    highest = frequency[power.argmax()]
    near = np.abs(frequency - highest) <= 0.05
    return float(60 * highest), float(power[near].sum() / power.sum())


RESPIRATION = FeatureSet(COLUMNS, extract)
