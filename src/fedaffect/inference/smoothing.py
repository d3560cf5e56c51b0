"""From results that flicker to a state that holds: averages over time, and a decision that is slow to change.

All is causal, reckons in seconds and takes results whenever they come, since frames are dropped and sensors
fall silent. A result is one observation; beside the results stands a `prior` of so many observations that
say nothing. The first result alone therefore decides little, and after a silence an average returns to
knowing nothing.
"""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fedaffect.errors import UserError
from fedaffect.inference.abstention import UNCERTAIN

Floats = npt.NDArray[np.float64]

MAXIMUM_VOTES = 10_000
"""What a window remembers at most: 100 results a second for 100 s."""


class Average(Protocol):
    """What results so far amount to."""

    def update(self, seconds: float, probability: Floats | None) -> Floats:
        """Probabilities [classes] as of now; None where there is no new result."""


class ExponentialMean:
    """The mean of all results so far, each of half the weight `half_life` seconds later.

    p = (Σ_i 2^(-(t - t_i) / half_life) p_i + prior · uniform) / (Σ_i 2^(-(t - t_i) / half_life) + prior)
    """

    def __init__(self, classes: int, half_life: float, prior: float = 1.0) -> None:
        _ensure_positive(half_life=half_life)
        self._half_life, self._prior = half_life, prior
        self._sum, self._weight, self._then = np.zeros(classes), 0.0, -np.inf

    def update(self, seconds: float, probability: Floats | None) -> Floats:
        left = 0.5 ** ((seconds - self._then) / self._half_life)
        self._sum, self._weight, self._then = left * self._sum, left * self._weight, seconds
        if probability is not None:
            self._sum, self._weight = self._sum + probability, self._weight + 1
        return _with_prior(self._sum, self._weight, self._prior)


class MajorityWindow:
    """The share of each class among the votes of the last `length` seconds, a vote a result."""

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
    """What a stream says at one moment.

    Attributes:
        probability: float64 [classes], smoothed.
        decision: a class, or `UNCERTAIN`.
    """

    seconds: float
    probability: Floats
    decision: int


class Smoother:
    """A stream of results with a state: a class is entered at one probability and left at a lower one.

    Args:
        average: what the thresholds apply to.
        enter: the smoothed probability at which a class that is the likeliest becomes the state; for all
            classes, or [classes].
        leave: below it the state is given up; in the same form, nowhere above `enter`, and above
            1 / classes, which is where silence leads.

    Raises:
        UserError: `leave` out of these bounds.
    """

    def __init__(
        self, average: Average, classes: int, enter: float | Floats, leave: float | Floats
    ) -> None:
        self._average, self._classes = average, classes
        self._enter, self._leave = (np.broadcast_to(t, classes) for t in (enter, leave))
        if not ((self._leave > 1 / classes) & (self._leave <= self._enter)).all():
            raise UserError(
                f"smoothing.leave: give more than 1 / {classes} (one in so many classes is where silence "
                "leads) and at most smoothing.enter"
            )
        self._state, self._now = UNCERTAIN, -np.inf

    def update(self, seconds: float, probability: Floats | None = None) -> Reading:
        """Take the result of a moment, or the passing of time alone.

        Args:
            seconds: since any fixed moment; no earlier than last time.
            probability: [classes].

        Raises:
            UserError: time runs backwards, or the result has another number of classes or is not finite.
        """
        if not self._now <= seconds < np.inf:
            raise UserError(
                f"smoothing: {seconds} s comes after {self._now} s; give results in order"
            )
        if probability is not None and (
            probability.shape != (self._classes,) or not np.isfinite(probability).all()
        ):
            raise UserError(
                f"smoothing: at {seconds} s: not {self._classes} finite probabilities; leave such a "
                "result out"
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
    """The mean of observations of that total and weight, and of `prior` ones that say nothing."""
    if weight + prior == 0:
        return np.full(len(total), 1 / len(total))
    mean: Floats = (total + prior / len(total)) / (weight + prior)
    return mean


def _ensure_positive(**settings: float) -> None:
    for name, value in settings.items():
        if not 0 < value < np.inf:
            raise UserError(f"smoothing.{name}: {value} seconds; give a positive number")
