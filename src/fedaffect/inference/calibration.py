"""Making probabilities mean what they say, so that those of different models can be weighed together.

How far off they are is `learning.metrics.calibration_error`.
"""

import numpy as np
import numpy.typing as npt

from fedaffect.errors import UserError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

LEAST_PROBABILITY = 1e-6
"""What a probability of 0 counts as: a forest that never saw a class must not veto it for ever."""

COLDEST, HOTTEST = 0.05, 20.0
BISECTIONS = 50


def log_probability(probability: npt.NDArray[np.floating]) -> Floats:
    """log p, p being at least `LEAST_PROBABILITY`."""
    log: Floats = np.log(np.maximum(probability, LEAST_PROBABILITY, dtype=np.float64))
    return log


def softmax(score: Floats) -> Floats:
    """exp(score) over its sum along the last axis."""
    raised = np.exp(score - score.max(axis=-1, keepdims=True))
    normalised: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return normalised


def tempered(probability: npt.NDArray[np.floating], temperature: float) -> Floats:
    """Probabilities [..., classes] raised to 1 / temperature and normalised.

    Above 1 they become more modest, below 1 more decided; the likeliest class stays the likeliest. Of a
    softmax it is the softmax of logits / temperature (Guo et al. 2017, eq. 9).
    """
    return softmax(log_probability(probability) / temperature)


def fit_temperature(probability: npt.NDArray[np.floating], label: Integers) -> float:
    """The temperature of least negative log-likelihood, within [0.05, 20]; to be fitted on dev.

    The likelihood is convex in b = 1 / temperature, so its slope Σ_i (E_b[log p_i] - log p_i,label) is halved
    in until it is 0.

    Args:
        probability: [n, classes].
        label: [n], a class each.

    Raises:
        UserError: nothing to fit on.
    """
    if not len(label):
        raise UserError("calibration: no labelled item on dev; give it some, or do not calibrate")
    score = log_probability(probability)
    of_label = np.take_along_axis(score, label[:, None], axis=1).mean()
    low, high = 1 / HOTTEST, 1 / COLDEST
    for _ in range(BISECTIONS):
        middle = float(np.sqrt(low * high))
        expected = (softmax(middle * score) * score).sum(axis=1).mean()
        low, high = (low, middle) if expected > of_label else (middle, high)
    return float(1 / np.sqrt(low * high))
