"""Smooth a stream of predictions: averages over time, and a decision with hysteresis.

Everything is causal, measured in seconds, and takes predictions at irregular times. Each prediction is one
observation beside `prior` observations with uniform probabilities. So a first prediction has little effect,
and without further predictions an average returns to uniform.
"""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fedaffect.errors import UserError
from fedaffect.inference.abstention import UNCERTAIN
from fedaffect.schema import Floats

MAXIMUM_VOTES = 10_000
"""Votes kept in a window: 100 a second for 100 s."""


class Average(Protocol):
    """An average over a stream of predictions."""

    def update(self, seconds: float, probability: Floats | None) -> Floats:
        """Probabilities [classes] at this time; None = no new prediction."""


class ExponentialMean:
    """The mean of all predictions so far, whose weights halve every `half_life` seconds.

    p = (Σ_i 2^(-(t - t_i) / half_life) p_i + prior · uniform) / (Σ_i 2^(-(t - t_i) / half_life) + prior)
    """

    def __init__(self, classes: int, half_life: float, prior: float = 1.0) -> None:
        _ensure_positive(half_life=half_life)
        self._half_life, self._prior = half_life, prior
        self._sum, self._weight, self._last = np.zeros(classes), 0.0, -np.inf

    def update(self, seconds: float, probability: Floats | None) -> Floats:
        decay = 0.5 ** ((seconds - self._last) / self._half_life)
        self._sum, self._weight, self._last = decay * self._sum, decay * self._weight, seconds
        if probability is not None:
            self._sum, self._weight = self._sum + probability, self._weight + 1
        return _with_prior(self._sum, self._weight, self._prior)


class MajorityWindow:
    """The share of each class among the predicted classes of the last `length` seconds."""

    def __init__(self, classes: int, length: float, prior: float = 1.0) -> None:
        _ensure_positive(length=length)
        self._length, self._prior = length, prior
        self._votes, self._counts = deque[tuple[float, int]](), np.zeros(classes)

    def update(self, seconds: float, probability: Floats | None) -> Floats:
        if probability is not None:
            choice = int(probability.argmax())
            self._votes.append((seconds, choice))
            self._counts[choice] += 1
        while self._votes and (
            self._votes[0][0] <= seconds - self._length or len(self._votes) > MAXIMUM_VOTES
        ):
            self._counts[self._votes.popleft()[1]] -= 1
        return _with_prior(self._counts, len(self._votes), self._prior)


@dataclass(frozen=True)
class Reading:
    """The smoothed prediction at one moment.

    Attributes:
        probability: float64 [classes], smoothed.
        decision: a class, or `UNCERTAIN`.
    """

    seconds: float
    probability: Floats
    decision: int


class Smoother:
    """A decision with hysteresis: a class is entered at one probability and left at a lower one.

    Args:
        average: whose probabilities are compared with the thresholds.
        enter: the probability at which the most probable class becomes the decision; one for all classes, or
            [classes].
        leave: the probability below which the decision becomes `UNCERTAIN`; at most `enter` and above
            1 / classes, the value without predictions.

    Raises:
        UserError: `leave` outside these bounds.
    """

    def __init__(
        self, average: Average, classes: int, enter: float | Floats, leave: float | Floats
    ) -> None:
        self._average, self._classes = average, classes
        self._enter, self._leave = (np.broadcast_to(t, classes) for t in (enter, leave))
        if not ((self._leave > 1 / classes) & (self._leave <= self._enter)).all():
            raise UserError(
                f"smoothing.leave: out of range; give more than 1 / {classes} (the probability without "
                "predictions) and at most smoothing.enter"
            )
        self._state, self._now = UNCERTAIN, -np.inf

    def update(self, seconds: float, probability: Floats | None = None) -> Reading:
        """The decision after a prediction, or after time has passed without one.

        Args:
            seconds: since any fixed moment; never decreasing.
            probability: [classes]; None = no new prediction.

        Raises:
            UserError: decreasing time, or a prediction of another number of classes or not finite.
        """
        if not self._now <= seconds < np.inf:
            raise UserError(
                f"smoothing: {seconds} s comes after {self._now} s; give predictions in order of time"
            )
        if probability is not None and (
            probability.shape != (self._classes,) or not np.isfinite(probability).all()
        ):
            raise UserError(
                f"smoothing: at {seconds} s: not {self._classes} finite probabilities; leave this "
                "prediction out"
            )
        self._now = seconds
        smoothed = self._average.update(seconds, probability)
        best = int(smoothed.argmax())
        if smoothed[best] >= self._enter[best]:
            self._state = best
        elif self._state != UNCERTAIN and smoothed[self._state] < self._leave[self._state]:
            self._state = UNCERTAIN
        return Reading(seconds, smoothed, self._state)


def _with_prior(total: Floats, weight: float, prior: float) -> Floats:
    """The mean of observations of this total and weight and of `prior` uniform ones."""
    if weight + prior == 0:
        return np.full(len(total), 1 / len(total))
    mean: Floats = (total + prior / len(total)) / (weight + prior)
    return mean


def _ensure_positive(**settings: float) -> None:
    for name, value in settings.items():
        if not 0 < value < np.inf:
            raise UserError(f"smoothing.{name}: {value} seconds; give a positive number")
