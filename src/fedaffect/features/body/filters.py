"""One window of one signal: what of it can be used, and zero-phase filters, with numpy alone.

`scipy.signal` would do the filters, for 75 MiB more of memory and seconds of import (docs/signals.md).
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from fedaffect.schema import Flags

Signal = npt.NDArray[np.float64]

LARGEST = 1e9
FEWEST_SAMPLES = 4
LEAST_KNOWN = 0.5


def known(samples: npt.NDArray[np.floating]) -> Flags:
    """bool [time]: finite, and of a size that a sensor can have (up to ±1e9)."""
    there: Flags = np.isfinite(samples) & (np.abs(samples) <= LARGEST)
    return there


def without_gaps(samples: npt.NDArray[np.floating]) -> Signal | None:
    """The window with its gaps bridged by straight lines; None where less than half of it is known.

    Args:
        samples: [time]; whatever is not `known` is a gap.
    """
    there = known(samples)
    if there.sum() < max(FEWEST_SAMPLES, LEAST_KNOWN * len(samples)):
        return None
    whole = samples.astype(np.float64)
    if not there.all():
        time = np.arange(len(samples))
        whole[~there] = np.interp(time[~there], time[there], whole[there])
    return whole


def thinned(samples: Signal, rate: float, enough: float) -> tuple[Signal, float]:
    """Means of as many samples as leave a rate of at least `enough` Hz and four means, and that rate."""
    together = max(1, min(int(rate // enough), len(samples) // FEWEST_SAMPLES))
    whole = len(samples) // together
    return samples[: whole * together].reshape(whole, together).mean(axis=1), rate / together


def low_pass(samples: Signal, rate: float, cutoff: float) -> Signal:
    """Zero-phase Butterworth of order 2: forwards and backwards, gain 1 / (1 + (f / cutoff)^4).

    Beyond its ends the window goes on by reflection through its end points, so that straight lines pass
    and short windows do not ring. What a straight line leaves over is then periodic, and one transform
    does it.
    """
    line = np.linspace(samples[0], samples[-1], len(samples))
    rest = samples - line
    reflected = np.concatenate([rest, -rest[-2:0:-1]])
    frequency = np.fft.rfftfreq(len(reflected), 1 / rate)
    spectrum = np.fft.rfft(reflected) / (1 + (frequency / cutoff) ** 4)
    passed: Signal = line + np.fft.irfft(spectrum, len(reflected))[: len(samples)]
    return passed


def band_pass(samples: Signal, rate: float, low: float, high: float) -> Signal:
    """Both ways of `low_pass`; the upper cut-off stays below half the rate."""
    above = samples - low_pass(samples, rate, low)
    return low_pass(above, rate, min(high, 0.45 * rate))


def moving_mean(samples: Signal, width: int) -> Signal:
    """Mean of the nearest `width` samples (made odd); the ends go on as they are."""
    width = max(1, width) | 1
    ended = np.pad(samples, width // 2, mode="edge")
    total = np.concatenate([[0.0], np.cumsum(ended)])
    mean: Signal = (total[width:] - total[:-width]) / width
    return mean


def rises(samples: Signal, least: float) -> Iterator[tuple[int, int]]:
    """(trough, peak) of each rise of at least `least` that has turned inside the window.

    A peak has turned once the signal has fallen by half of `least`, or at all by the window's end.
    """
    trough = peak = 0
    low = high = float(samples[0])
    rising = False
    for i, value in enumerate(samples.tolist()):
        if rising and value > high:
            peak, high = i, value
        elif rising and value < high - least / 2:
            yield trough, peak
            rising, trough, low = False, i, value
        elif not rising and value < low:
            trough, low = i, value
        elif not rising and value >= low + least:
            rising, peak, high = True, i, value
    if rising and peak < len(samples) - 1:
        yield trough, peak
