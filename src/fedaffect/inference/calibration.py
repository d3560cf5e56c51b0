"""Temperature scaling: calibrated probabilities of different models can be combined.

`learning.metrics.calibration_error` measures how well they are calibrated.
"""

import numpy as np
import numpy.typing as npt

from fedaffect.errors import UserError
from fedaffect.schema import Floats, Integers

LEAST_PROBABILITY = 1e-6
"""Replaces a probability of 0, with which one model would rule out a class for all others."""

COLDEST, HOTTEST = 0.05, 20.0
BISECTIONS = 50


def log_probability(probability: npt.NDArray[np.floating]) -> Floats:
    """log max(p, `LEAST_PROBABILITY`)."""
    log: Floats = np.log(np.maximum(probability, LEAST_PROBABILITY, dtype=np.float64))
    return log


def softmax(score: Floats) -> Floats:
    """exp(score) over its sum along the last axis."""
    raised = np.exp(score - score.max(axis=-1, keepdims=True))
    normalised: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return normalised


def tempered(probability: npt.NDArray[np.floating], temperature: float) -> Floats:
    """Probabilities [..., classes] raised to 1 / temperature and normalised.

    A temperature above 1 lowers confidence, one below 1 raises it; the most probable class stays. For a
    softmax this is the softmax of logits / temperature (Guo et al. 2017, eq. 9).
    """
    return softmax(log_probability(probability) / temperature)


def fit_temperature(probability: npt.NDArray[np.floating], label: Integers) -> float:
    """The temperature in [0.05, 20] with the least negative log-likelihood of the dev part.

    The negative log-likelihood is convex in b = 1 / temperature, so bisection finds the zero of its slope
    Σ_i (E_b[log p_i] - log p_i,label).

    Args:
        probability: [n, classes].
        label: int64 [n], without unlabelled items.

    Raises:
        UserError: no item.
    """
    if not len(label):
        raise UserError("calibration: no labelled item on dev; label some, or do not calibrate")
    score = log_probability(probability)
    of_label = np.take_along_axis(score, label[:, None], axis=1).mean()
    low, high = 1 / HOTTEST, 1 / COLDEST
    for _ in range(BISECTIONS):
        middle = float(np.sqrt(low * high))
        expected = (softmax(middle * score) * score).sum(axis=1).mean()
        low, high = (low, middle) if expected > of_label else (middle, high)
    return float(1 / np.sqrt(low * high))
