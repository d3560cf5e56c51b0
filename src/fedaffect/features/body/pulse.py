"""Heart beats in a pulse wave (PPG, BVP) or an ECG, and what their rhythm says.

Beats: Elgendi et al. 2013 (PLoS ONE 8(10): e76585) for the pulse wave, Elgendi 2013 (PLoS ONE 8(9): e73557)
for the ECG: there is a beat where a short moving mean of the squared, band-passed signal exceeds a long one.
Rhythm: Task Force 1996 (Circulation 93: 1043-1065), those measures that windows under a minute can give.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from fedaffect.features.body.feature import Feature, FeatureSet
from fedaffect.features.body.filters import (
    Signal,
    band_pass,
    known,
    moving_mean,
    thinned,
    without_gaps,
)
from fedaffect.schema import Flags

SHORTEST, LONGEST = 60 / 220, 60 / 30
"""Seconds from beat to beat that a heart can take."""

FURTHEST_FROM_MEDIAN = 0.3
FEWEST_INTERVALS = 3
LEAST_COVERAGE = 0.7
"""Of windows of pure noise this takes 1 % for a pulse at 30 s, 10 % at 10 s, a quarter at 5 s."""

LONGEST_GAP = 0.2
"""The share of an interval that may lie in gaps."""

FLAT = 1e-6
"""A swing of less than this share of the signal's size is rounding, not a pulse."""


@dataclass(frozen=True)
class Wave:
    """How one beat looks: the band in Hz that it fills, and how long a peak and a beat last, in s.

    Attributes:
        offset: how far, in mean squares, a peak stands out of its beat.
        least_rate: Hz below which it cannot be seen.
        enough: Hz above which samples are averaged first.
    """

    band: tuple[float, float]
    peak: float
    beat: float
    offset: float
    least_rate: float
    enough: float


PULSE_WAVE = Wave((0.5, 8.0), 0.111, 0.667, 0.02, least_rate=16, enough=100)
QRS = Wave((8.0, 20.0), 0.097, 0.611, 0.08, least_rate=50, enough=200)

COLUMNS = (
    Feature("heart_rate", "bpm", "60 / mean interval between beats", 30, 220),
    Feature("sdnn", "ms", "standard deviation of the intervals", 0, 250),
    Feature("rmssd", "ms", "root mean square of successive differences", 0, 250),
    Feature("pnn50", "", "share of successive differences above 50 ms", 0, 1),
    Feature("swing", "as recorded", "median height of a beat over its trough", 0, 1000),
    Feature("swing_variation", "", "standard deviation of the heights / their mean", 0, 1),
    Feature("coverage", "", "share of the window, less one beat, in plausible intervals", 0, 1),
)


def extract(wave: Wave, samples: npt.NDArray[np.floating], rate: float) -> Signal | None:
    """The features of a window; None below `wave.least_rate`, and where less than 70 % show a clear pulse."""
    whole = without_gaps(samples)
    if whole is None or rate < wave.least_rate:
        return None
    seconds = len(whole) / rate
    clean, fewer = thinned(whole, rate, wave.enough)
    passed = band_pass(clean, fewer, *wave.band)
    if np.ptp(passed) <= FLAT * np.abs(clean).max():
        return None
    time, height = beats(wave, passed, fewer)
    intervals, counts = plausible_intervals(time, known(samples), rate)
    if counts.sum() < FEWEST_INTERVALS:
        return None
    # Beats that began before the window, or go on after it, show no interval.
    coverage = min(1.0, intervals[counts].sum() / (seconds - np.median(intervals)))
    if coverage < LEAST_COVERAGE:
        return None
    return np.array(
        [*rhythm(intervals, counts), np.median(height), height.std() / height.mean(), coverage]
    )


def beats(wave: Wave, passed: Signal, rate: float) -> tuple[Signal, Signal]:
    """When each beat peaks, in s from the window's start, and its height over the trough before: [beats].

    Args:
        passed: [time], the window in the wave's band.
    """
    squared = np.maximum(passed, 0) ** 2
    short = moving_mean(squared, round(wave.peak * rate))
    long = moving_mean(squared, round(wave.beat * rate))
    inside = short > long + wave.offset * squared.mean()
    edges = np.flatnonzero(np.diff(inside.astype(np.int8), prepend=0, append=0))
    time, height = [], []
    before = 0
    for start, end in edges.reshape(-1, 2):
        peak = int(start + passed[start:end].argmax())
        if end - start < wave.peak * rate or not 0 < peak < len(passed) - 1:
            continue
        time.append((peak + _between_samples(passed, peak)) / rate)
        height.append(passed[peak] - passed[before:peak].min())
        before = peak
    return np.array(time), np.array(height)


def plausible_intervals(time: Signal, there: Flags, rate: float) -> tuple[Signal, Flags]:
    """Seconds from each beat to the next, and which of them count: [beats - 1].

    Those count that a heart can take, that lie within 30 % of the window's median, and that are not bridged.

    Args:
        there: bool [time], the window's known samples.
    """
    intervals = np.diff(time)
    if not len(intervals):
        return intervals, np.zeros(0, bool)
    counts = (intervals >= SHORTEST) & (intervals <= LONGEST)
    counts &= np.abs(intervals / np.median(intervals) - 1) <= FURTHEST_FROM_MEDIAN
    gaps = np.concatenate([[0], np.cumsum(~there)])
    at = np.minimum((time * rate).astype(int), len(there))
    counts &= np.diff(gaps[at]) <= LONGEST_GAP * np.diff(at)
    return intervals, counts


def rhythm(intervals: Signal, counts: Flags) -> list[float]:
    """Heart rate a minute; SDNN, RMSSD in ms; pNN50. Successive are only intervals that both count."""
    taken = 1000 * intervals[counts]
    step = 1000 * np.diff(intervals)[counts[1:] & counts[:-1]]
    successive = (np.sqrt((step**2).mean()), (np.abs(step) > 50).mean()) if len(step) else (0, 0)
    return [60_000 / float(taken.mean()), float(taken.std()), *map(float, successive)]


def _between_samples(passed: Signal, peak: int) -> float:
    """Where in -0.5..0.5 the parabola through a peak and its neighbours is highest."""
    left, top, right = passed[peak - 1 : peak + 2]
    bend = left - 2 * top + right
    return float(0.5 * (left - right) / bend) if bend < 0 else 0.0


PULSE = FeatureSet(COLUMNS, partial(extract, PULSE_WAVE))
ECG = FeatureSet(COLUMNS, partial(extract, QRS))
