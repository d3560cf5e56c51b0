"""A recording cut into windows, and the features of each; none of them depends on what comes later."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from fedaffect.errors import UserError
from fedaffect.features.body.baseline import FEWEST, Baseline
from fedaffect.features.body.recording import Recording
from fedaffect.features.body.sensors import Kind, feature_set

SHORTEST, LONGEST = 5.0, 60.0
SMALLEST_STEP = 0.5
LONGEST_BASELINE = 60.0
"""Minutes."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """How recordings are cut and described.

    Attributes:
        seconds: length of a window, 5 to 60.
        step: seconds from one window's start to the next's, from 0.5; None = `seconds`: they do not overlap.
        kind: features made for each sensor (`sensor`), or the wavelet set of Fed-ReMECS (`wavelet`).
        baseline_minutes: features are told relative to those of a recording's first minutes, which give no
            windows themselves; 0 = as they are. At least two windows.
        sensors: which ones; None = all that a recording has.
    """

    seconds: float = 30.0
    step: float | None = None
    kind: Kind = "sensor"
    baseline_minutes: float = 0.0
    sensors: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not SHORTEST <= self.seconds <= LONGEST:
            raise UserError(
                f"seconds: {self.seconds:g}; give a window of {SHORTEST:g} to {LONGEST:g} s"
            )
        if not SMALLEST_STEP <= self.every <= self.seconds:
            raise UserError(
                f"step: {self.every:g}; give {SMALLEST_STEP:g} to {self.seconds:g} s, the window's length"
            )
        least = (self.seconds + (FEWEST - 1) * self.every) / 60
        if self.baseline_minutes != 0 and not least <= self.baseline_minutes <= LONGEST_BASELINE:
            raise UserError(
                f"baseline_minutes: {self.baseline_minutes:g}; give {least:g} ({FEWEST} windows) to "
                f"{LONGEST_BASELINE:g}, or 0 for none"
            )
        for sensor in self.sensors or ():
            feature_set(sensor)

    @property
    def every(self) -> float:
        """Seconds from one window's start to the next's."""
        return self.seconds if self.step is None else self.step

    def starts(self, start: float, end: float) -> Iterator[float]:
        """Where windows start that lie whole in a stretch of time."""
        count = int((end - start - self.seconds) / self.every + 1 + 1e-9)
        return (start + i * self.every for i in range(max(count, 0)))


@dataclass(frozen=True)
class Described:
    """The windows of one recording, in the order of time.

    Attributes:
        start: float64 [windows], seconds from the recording's beginning.
        label: of each window; None = unlabelled.
        features: by sensor, float64 [windows, features]; 0 where absent.
        present: by sensor, bool [windows]; False where the window cannot tell.
    """

    start: npt.NDArray[np.float64]
    label: tuple[str | None, ...]
    features: Mapping[str, npt.NDArray[np.float64]]
    present: Mapping[str, npt.NDArray[np.bool_]]

    def __len__(self) -> int:
        return len(self.label)

    def of(self, labels: Collection[str]) -> Self:
        """Those that have one of these labels, or none."""
        kept = np.array([label is None or label in labels for label in self.label], bool)
        return replace(
            self,
            start=self.start[kept],
            label=tuple(label for label, keep in zip(self.label, kept, strict=True) if keep),
            features={sensor: array[kept] for sensor, array in self.features.items()},
            present={sensor: array[kept] for sensor, array in self.present.items()},
        )


def describe(recording: Recording, windows: Windows) -> Described:
    """The features of every window that lies in one span; of an unlabelled recording, of all windows.

    Windows are cut from each span's start on. With a baseline, spans begin where it ends, and a sensor whose
    baseline cannot be told is absent throughout.

    Raises:
        UserError: a sensor that is not known.
    """
    begin, end = 60 * windows.baseline_minutes, recording.end
    stretches: list[tuple[str | None, float, float]] = [
        (span.label, max(span.start, begin), min(span.end, end)) for span in recording.spans
    ] or [(None, begin, end)]
    cut = [(label, at) for label, first, last in stretches for at in windows.starts(first, last)]
    starts = np.array([start for _, start in cut], np.float64)
    features, present = {}, {}
    for sensor in recording.streams:
        if windows.sensors is None or sensor in windows.sensors:
            features[sensor], present[sensor] = _described(recording, sensor, starts, windows)
    return Described(starts, tuple(label for label, _ in cut), features, present)


def _described(
    recording: Recording, sensor: str, starts: npt.NDArray[np.float64], windows: Windows
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Features and presence of one sensor's windows that start at these moments."""
    features, present = _extracted(recording, sensor, starts, windows)
    if windows.baseline_minutes:
        first = np.array([*windows.starts(0.0, 60 * windows.baseline_minutes)])
        rest, told = _extracted(recording, sensor, first, windows)
        baseline = Baseline.of(rest[told])
        if baseline is None:
            return np.zeros_like(features), np.zeros_like(present)
        features[present] = baseline.relative(features[present])
    return features, present


def _extracted(
    recording: Recording, sensor: str, starts: npt.NDArray[np.float64], windows: Windows
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    stream, columns = recording.streams[sensor], feature_set(sensor, windows.kind)
    features = np.zeros((len(starts), len(columns.features)))
    present = np.zeros(len(starts), bool)
    for row, start in enumerate(starts):
        found = columns.extract(stream.between(start, start + windows.seconds), stream.rate)
        if found is not None:
            features[row], present[row] = found, True
    return features, present
