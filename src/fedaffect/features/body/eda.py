"""Electrodermal activity: its level, its slow and its fast part, and the responses in it.

Boucsein, "Electrodermal Activity", 2nd ed. 2012: a response (SCR) is a rise of 0.01 µS or more from trough to
peak, which takes up to 5 s; what changes more slowly than 0.05 Hz is tonic.
"""

import numpy as np
import numpy.typing as npt

from fedaffect.features.body import level
from fedaffect.features.body.feature import Feature, FeatureSet
from fedaffect.features.body.filters import (
    Signal,
    low_pass,
    moving_mean,
    rises,
    thinned,
    without_gaps,
)

LEAST_RESPONSE = 0.01
"""µS, from trough to peak."""

LONGEST_RISE = 5.0
"""s"""

TONIC_BELOW = 0.05
ENOUGH = 8.0
"""Hz; responses are slower than 1 Hz, and what comes faster than this is averaged first."""

SMOOTHED = 0.75
"""s whose mean counts as one reading, so that noise is no response."""

COLUMNS = (
    *level.columns("µS", 0, 20, 10),
    Feature(
        "tonic_slope", "µS/min", "slope of the tonic part, from its first to its last", -10, 10
    ),
    Feature("phasic_sd", "µS", "standard deviation of the phasic part", 0, 1),
    Feature("responses", "1/min", "responses (SCR) a minute, counted at their peaks", 0, 30),
    Feature("response_mean", "µS", "mean rise of a response; 0 without one", 0, 2),
    Feature("response_sum", "µS/min", "rises of all responses together, a minute", 0, 20),
)


def extract(samples: npt.NDArray[np.floating], rate: float) -> Signal | None:
    """The features of a window in µS, sampled at 1 Hz or more."""
    whole = without_gaps(samples)
    if whole is None:
        return None
    minutes = len(whole) / rate / 60
    conductance, rate = thinned(whole, rate, ENOUGH)
    tonic = low_pass(conductance, rate, TONIC_BELOW)
    rise = responses(conductance, rate)
    return np.array(
        [
            *level.statistics(conductance, rate),
            (tonic[-1] - tonic[0]) / minutes,
            (conductance - tonic).std(),
            len(rise) / minutes,
            rise.mean() if len(rise) else 0.0,
            rise.sum() / minutes,
        ]
    )


def responses(conductance: Signal, rate: float) -> Signal:
    """The rise of each response, in the signal's unit: [responses].

    Only the last 5 s before a peak count as its rise, so that a slow drift that turns is no response.
    """
    # A mean, as it cannot swing over where a response sets in: what rose then stays one rise.
    smooth = moving_mean(conductance, int(SMOOTHED * rate))
    longest = max(1, int(LONGEST_RISE * rate))
    rise = [
        smooth[peak] - smooth[max(trough, peak - longest) : peak].min()
        for trough, peak in rises(smooth, LEAST_RESPONSE)
    ]
    return np.array([r for r in rise if r >= LEAST_RESPONSE])


EDA = FeatureSet(COLUMNS, extract)
