import numpy as np
import pytest

from fedaffect.features.body.eda import EDA, extract, responses

RATES = [1, 2, 4, 8, 32, 128, 700]


def told(samples, rate):
    return dict(zip(EDA.names, extract(samples, rate), strict=True))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("seconds", [10, 30, 60])
def test_one_response_is_one_peak_of_its_height(rate, seconds, made):
    conductance = 5 + made.response(seconds, rate, onset=seconds / 4, rise=0.3)
    found = told(conductance, rate)
    assert found["responses"] * seconds / 60 == pytest.approx(1)
    assert found["response_mean"] == pytest.approx(0.3, rel=0.15)
    assert found["response_sum"] * seconds / 60 == pytest.approx(found["response_mean"])


@pytest.mark.parametrize("drift", [-0.005, 0.005])
def test_a_drifting_level_neither_hides_nor_makes_responses(drift, made):
    rising = drift * made.moments(50, 4)
    apart = made.response(50, 4, 5, 0.2) + made.response(50, 4, 25, 0.4)
    found = told(5 + rising + apart, 4)
    assert found["responses"] * 50 / 60 == pytest.approx(2)
    assert found["response_mean"] == pytest.approx(0.3, rel=0.2)
    assert found["tonic_slope"] == pytest.approx(60 * drift, abs=0.02)
    assert told(5 + rising, 4)["responses"] == 0


def test_a_slow_swing_is_tonic(made):
    slow = 5 + np.cos(2 * np.pi * 0.01 * made.moments(60, 4))
    found = told(slow, 4)
    assert found["responses"] == 0
    assert found["phasic_sd"] < 0.02 * slow.std()


@pytest.mark.parametrize(("rise", "count"), [(0.005, 0), (0.02, 1)])
def test_a_response_is_a_hundredth_of_a_microsiemens_or_more(rise, count, made):
    assert len(responses(2 + made.response(30, 4, 5, rise), 4)) == count


def test_noise_of_the_sensor_is_no_response():
    random = np.random.default_rng(0)
    assert len(responses(2 + 0.001 * random.normal(size=240), 4)) == 0


def test_a_peak_after_the_window_belongs_to_the_next(made):
    conductance = 5 + made.response(20, 4, onset=9.5)
    assert told(conductance[:40], 4)["responses"] == 0
    assert told(conductance[40:], 4)["responses"] * 10 / 60 == pytest.approx(1)


def test_a_detached_electrode_is_flat():
    found = told(np.zeros(120), 4)
    assert not any(found.values())
