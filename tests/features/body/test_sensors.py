"""What every set of features promises, whatever the sensor."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fedaffect.errors import UserError
from fedaffect.features.body.sensors import SENSORS, feature_set
from fedaffect.features.body.wavelet import WAVELET

SETS = {**SENSORS, "wavelet": WAVELET}


@st.composite
def anything(draw):
    """Whatever can stand in a window of up to 60 s, and its rate."""
    rate = draw(st.sampled_from([0.5, 1.0, 2.0, 4.0, 8.0, 32.0, 64.0, 128.0, 700.0]))
    length = draw(st.integers(0, int(60 * rate)))
    noise = st.builds(
        lambda scale, offset, seed: (
            offset + scale * np.random.default_rng(seed).normal(size=length)
        ),
        st.sampled_from([1e-300, 1e-30, 1e-6, 1.0, 1e8]),
        st.sampled_from([0.0, 1.0, -1e8]),
        st.integers(0, 10),
    )
    few = min(length, 200)
    samples = st.one_of(
        noise,
        st.builds(np.full, st.just(length), st.floats(-1e9, 1e9)),
        arrays(np.float64, few, elements=st.floats(-1e9, 1e9)),
        arrays(st.sampled_from([np.float32, np.float64]), few),
    )
    return draw(samples), rate


@pytest.mark.parametrize("name", SETS)
@settings(max_examples=30, deadline=None)
@given(read=anything())
def test_whatever_is_read_the_features_are_finite_or_none(name, read):
    samples, rate = read
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = SETS[name].extract(samples, rate)
    if found is not None:
        assert found.shape == (len(SETS[name].features),)
        assert np.isfinite(found.astype(np.float32)).all()


@pytest.mark.parametrize("name", SETS)
@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 1000), known=st.floats(0, 0.45), gap=st.sampled_from([np.nan, np.inf, 1e30])
)
def test_less_than_half_a_window_tells_nothing(name, seed, known, gap):
    samples = np.random.default_rng(seed).normal(size=400)
    samples[int(known * 400) :] = gap
    assert SETS[name].extract(samples, 100.0) is None


@pytest.mark.parametrize("name", SETS)
def test_features_do_not_change_what_they_are_told_of(name):
    samples = np.random.default_rng(0).normal(size=400)
    samples[10] = np.nan
    before = samples.copy()
    first, second = (SETS[name].extract(samples, 100.0) for _ in range(2))
    np.testing.assert_array_equal(samples, before)
    assert (first is None) == (second is None)
    if first is not None:
        np.testing.assert_array_equal(first, second)


# Columns that a signal a times as large and b higher leaves alone, makes a times as large, or moves with it.
UNMOVED = {
    "eda": {"responses"},
    "pulse": {"heart_rate", "sdnn", "rmssd", "pnn50", "swing_variation", "coverage"},
    "respiration": {"rate", "regularity"},
}
SCALED = {
    "eda": {"sd", "slope", "tonic_slope", "phasic_sd", "response_mean", "response_sum"},
    "pulse": {"swing"},
    "respiration": {"sd", "slope"},
    "temperature": {"sd", "slope"},
}
SCALED_AND_MOVED = {
    sensor: {"mean", "min", "max"} for sensor in ("eda", "respiration", "temperature")
}


@pytest.mark.parametrize("sensor", ["eda", "pulse", "ecg", "respiration", "temperature"])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 100), a=st.floats(0.5, 50), b=st.floats(-50, 50))
def test_another_unit_or_zero_changes_only_what_it_should(sensor, made, seed, a, b):
    random = np.random.default_rng(seed)
    samples = wave(made, sensor, random)
    if sensor == "eda":
        a = 1 + a / 10  # one response of 0.3 stays one above 0.01
    before, after = (SETS[sensor].extract(x, 64.0) for x in (samples, a * samples + b))
    family = "pulse" if sensor == "ecg" else sensor
    for name, x, y in zip(SETS[sensor].names, before, after, strict=True):
        near = {"rel": 1e-6, "abs": 1e-6 * a}
        if name in UNMOVED.get(family, ()):
            assert y == pytest.approx(x, rel=1e-6, abs=1e-6), name
        elif name in SCALED[family]:
            assert y == pytest.approx(a * x, **near), name
        else:
            assert name in SCALED_AND_MOVED[family]
            assert y == pytest.approx(a * x + b, **near), name


def wave(made, sensor, random):
    if sensor == "eda":
        return 5 + made.response(30, 64, 8) + random.uniform(-0.01, 0.01) * made.moments(30, 64)
    if sensor in ("pulse", "ecg"):
        beats = np.cumsum(random.uniform(0.7, 0.9, size=36))
        return (made.pulse_wave if sensor == "pulse" else made.ecg)(beats, 30, 64)
    breaths = np.sin(2 * np.pi * random.uniform(0.15, 0.5) * made.moments(30, 64))
    return breaths + 0.1 * random.normal(size=len(breaths))


@pytest.mark.parametrize("name", SETS)
def test_columns_are_named_once_and_described(name):
    names = SETS[name].names
    assert len(set(names)) == len(names)
    for feature in SETS[name].features:
        assert feature.meaning
        assert feature.low < feature.high


@pytest.mark.parametrize("sensor", ["eda", "pulse", "ecg", "respiration"])
def test_the_documentation_has_every_column_as_it_is(sensor):
    page = Path(__file__).parents[3].joinpath("docs/signals.md").read_text("utf-8")
    for f in SENSORS[sensor].features:
        row = f"| `{f.name}` | {f.unit} | {f.meaning} | {f.low:g} to {f.high:g} |"
        assert row in page, row


def test_one_kind_is_the_same_for_every_sensor():
    assert feature_set("eda", "wavelet") is feature_set("pulse", "wavelet") is WAVELET
    assert feature_set("eda") is SENSORS["eda"]


def test_a_sensor_nobody_knows():
    with pytest.raises(UserError, match="no sensor `eeg`; give one of ecg, eda"):
        feature_set("eeg")
