"""The wavelet features of Fed-ReMECS (Nandi and Xhafa, Methods 204, 2022), for any one sensor.

Four bands of coefficients (Daubechies 4, three levels), twelve numbers of each, the 48 scaled to length 1.
Two errors of the published code are mended:

- its `rms` is the mean of sqrt(x²), which is the mean of |x|; here it is the root of the mean of x²;
- it cuts DEAP's 8064 samples as 60 s, so that its windows are 5 % longer than they are called and begin with
  the 3 s before each film; at 128 Hz they are 63 s, and `readers.deap` labels the last 60 only.

Kept as published, and worth knowing: the entropy is that of how often each exact value occurs, which for
measured numbers is close to the logarithm of their count.
"""

from importlib import import_module

import numpy as np
import numpy.typing as npt

from fedaffect.errors import UserError
from fedaffect.features.body.feature import Feature, FeatureSet
from fedaffect.features.body.filters import Signal, without_gaps

BANDS = ("approximation", "detail_3", "detail_2", "detail_1")
PERCENTILES = (5, 25, 75, 95)
STATISTICS = {
    "entropy": "Shannon entropy of how often each value occurs",
    "zero_crossings": "changes between positive and not",
    "mean_crossings": "changes between above the mean and not",
    **{f"percentile_{p}": f"{p}th percentile" for p in PERCENTILES},
    "median": "median",
    "mean": "mean",
    "sd": "standard deviation",
    "variance": "variance",
    "rms": "root mean square",
}
NEVER_NEGATIVE = ("entropy", "zero_crossings", "mean_crossings", "sd", "variance", "rms")

COLUMNS = tuple(
    Feature(f"{band}_{name}", "", f"{meaning}, of `{band}`", 0 if name in NEVER_NEGATIVE else -1, 1)
    for band in BANDS
    for name, meaning in STATISTICS.items()
)


def extract(samples: npt.NDArray[np.floating], rate: float) -> Signal | None:
    """The 48 features of a window at its own rate, scaled to length 1.

    Windows of fewer than 56 samples are mostly what lies beyond their ends (reflected).

    Raises:
        UserError: PyWavelets is not installed.
    """
    whole = without_gaps(samples)
    if whole is None:
        return None
    found = np.concatenate([_statistics(band) for band in _bands(whole)])
    length = np.linalg.norm(found)
    return found / length if length > 0 else found


def _bands(samples: Signal) -> list[Signal]:
    """The coefficients of each of `BANDS`."""
    try:
        wavelets = import_module("pywt")
    except ModuleNotFoundError:
        raise UserError(
            "wavelet features need the `signals` extra (PyWavelets is not installed): "
            "pip install 'fedaffect[signals]'"
        ) from None
    bands = [samples]
    for _ in BANDS[1:]:
        # One level at a time: `wavedec` warns of short windows, which `extract` speaks of.
        bands[:1] = wavelets.dwt(bands[0], "db4")
    return bands


def _statistics(band: Signal) -> Signal:
    """`STATISTICS` of one band, in order."""
    _, counts = np.unique(band, return_counts=True)
    share = counts / len(band)
    return np.array(
        [
            -(share * np.log(share)).sum(),
            np.count_nonzero(np.diff(band > 0)),
            np.count_nonzero(np.diff(band > band.mean())),
            *np.percentile(band, PERCENTILES),
            np.median(band),
            band.mean(),
            band.std(),
            band.var(),
            np.sqrt((band**2).mean()),
        ]
    )


WAVELET = FeatureSet(COLUMNS, extract)
