import sys

import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.features.body.wavelet import BANDS, STATISTICS, WAVELET

pywt = pytest.importorskip("pywt", reason="needs PyWavelets: pip install 'fedaffect[signals]'")


def told(samples):
    return dict(zip(WAVELET.names, WAVELET.extract(np.asarray(samples), 128.0), strict=True))


def test_four_bands_of_twelve():
    assert len(WAVELET.names) == len(set(WAVELET.names)) == 48
    assert len(BANDS) * len(STATISTICS) == 48


@pytest.mark.parametrize("length", [60, 640, 1279])
def test_each_band_is_that_of_a_decomposition_into_three_levels(length):
    samples = np.random.default_rng(0).normal(size=length)
    found = told(samples)
    bands = pywt.wavedec(samples, "db4", level=3)
    for name, band in zip(BANDS, bands, strict=True):
        for statistic, right in (
            ("mean", band.mean()),
            ("variance", band.var()),
            ("percentile_25", np.percentile(band, 25)),
            ("zero_crossings", np.abs(np.diff(np.sign(band))).sum() / 2),
            ("entropy", np.log(len(band))),  # no two values alike
        ):
            scaled = right / bands[0].std() * found["approximation_sd"]
            assert found[f"{name}_{statistic}"] == pytest.approx(scaled), (name, statistic)


def test_rms_is_a_root_of_a_mean_of_squares():
    """Published, it is the mean of |x|. The two agree only where all |x| are alike."""
    samples = np.random.default_rng(1).normal(size=640)
    found = told(samples)
    band = pywt.wavedec(samples, "db4", level=3)[-1]
    ratio = found["detail_1_rms"] / found["detail_1_sd"]
    assert ratio == pytest.approx(np.sqrt((band**2).mean()) / band.std())
    assert ratio != pytest.approx(np.abs(band).mean() / band.std(), rel=0.1)
    assert found["detail_1_rms"] ** 2 == pytest.approx(
        found["detail_1_mean"] ** 2 + found["detail_1_sd"] ** 2
    )


def test_the_48_have_length_1_and_no_signal_has_length_0():
    samples = np.random.default_rng(2).normal(size=640)
    assert np.linalg.norm(WAVELET.extract(samples, 128)) == pytest.approx(1)
    assert not WAVELET.extract(np.zeros(640), 128).any()


def test_details_do_not_see_a_straight_line():
    samples = np.random.default_rng(3).normal(size=640)
    ratios = [
        {k: v / found["detail_1_sd"] for k, v in found.items() if k == "detail_3_sd"}
        for found in (told(samples), told(samples + 5))
    ]
    assert ratios[0] == pytest.approx(ratios[1])


def test_without_the_extra_one_line_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "pywt", None)
    with pytest.raises(UserError, match=r"needs? the `signals` extra .* pip install 'fedaffect"):
        WAVELET.extract(np.ones(10), 4)
