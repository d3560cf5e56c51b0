"""What was recorded of one person: streams of samples, labels over time, marks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fedaffect.errors import UserError

Samples = npt.NDArray[np.float32]

SLOWEST, FASTEST = 0.5, 10_000.0
"""Hz that a stream may have."""

LONGEST = 7 * 24 * 3600.0
"""Seconds that a recording may last."""


@dataclass(frozen=True)
class Stream:
    """One sensor at a steady rate.

    Attributes:
        samples: float32 [time]; NaN where the sensor told nothing.
        rate: samples a second, 0.5 to 10,000.
        start: seconds from the recording's beginning to the first sample.
        unit: of the samples; empty where the source does not say.
    """

    samples: Samples
    rate: float
    start: float = 0.0
    unit: str = ""

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or not len(self.samples):
            raise UserError(f"samples {list(self.samples.shape)}: give one number a moment, [time]")
        if not SLOWEST <= self.rate <= FASTEST:
            raise UserError(f"rate {self.rate:g} Hz: give one of {SLOWEST:g} to {FASTEST:g}")
        if not (abs(self.start) <= LONGEST and self.end <= LONGEST):
            raise UserError(
                f"{self.start:g} s to {self.end:g} s: at most {LONGEST:.0f} s are read; split it"
            )

    @property
    def end(self) -> float:
        """Seconds from the recording's beginning to after the last sample."""
        return self.start + len(self.samples) / self.rate

    def between(self, start: float, end: float) -> Samples:
        """The samples of a window, from `start` up to but not at `end`; NaN where there are none."""
        first, last = (self._first_at(moment) for moment in (start, end))
        window = np.full(last - first, np.nan, np.float32)
        inside = slice(max(first, 0), max(min(last, len(self.samples)), 0))
        taken = self.samples[inside]
        window[inside.start - first : inside.start - first + len(taken)] = taken
        return window

    def _first_at(self, moment: float) -> int:
        """Index of the first sample at or after a moment; a millionth of a sample is rounding."""
        return int(np.ceil((moment - self.start) * self.rate - 1e-6))


@dataclass(frozen=True)
class Span:
    """A stretch of time with one label, in seconds from the recording's beginning."""

    start: float
    end: float
    label: str


@dataclass(frozen=True)
class Marks:
    """Moments and, where each has one, a value: beats with the time since the beat before, pressed buttons.

    Attributes:
        time: float64 [marks], seconds from the recording's beginning.
        value: float64 [marks], or empty.
    """

    time: npt.NDArray[np.float64]
    value: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class Recording:
    """One session of one person.

    Attributes:
        name: the session's, for messages.
        streams: by sensor (`sensors.SENSORS`).
        spans: what was labelled, in order and without overlap; without any, all of it is unlabelled.
        marks: by what they mark.
        files: what it was read from.
    """

    person: str
    name: str
    streams: Mapping[str, Stream]
    spans: tuple[Span, ...] = ()
    marks: Mapping[str, Marks] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        before = 0.0
        for span in self.spans:
            if not before <= span.start < span.end < np.inf:
                raise UserError(
                    f"{self.name}: label `{span.label}` from {span.start:g} s to {span.end:g} s overlaps "
                    "another or ends before it starts; mend the times"
                )
            before = span.end

    @property
    def end(self) -> float:
        """Seconds to after the last sample of any stream."""
        return max((stream.end for stream in self.streams.values()), default=0.0)
