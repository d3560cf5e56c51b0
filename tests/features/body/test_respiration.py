import numpy as np
import pytest

from fedaffect.features.body.respiration import RESPIRATION


def told(samples, rate):
    return dict(zip(RESPIRATION.names, RESPIRATION.extract(samples, rate), strict=True))


@pytest.mark.parametrize("rate", [2, 4, 32, 128, 700])
@pytest.mark.parametrize("breaths", [8, 15, 24])
@pytest.mark.parametrize("seconds", [30, 60])
def test_breaths_a_minute(rate, breaths, seconds, made):
    belt = 3 + 0.4 * np.sin(2 * np.pi * breaths / 60 * made.moments(seconds, rate))
    found = told(belt, rate)
    assert found["rate"] == pytest.approx(breaths, abs=1)
    assert found["regularity"] > 0.8


@pytest.mark.parametrize("breaths", [15, 24])
def test_two_or_three_breaths_are_enough(breaths, made):
    belt = np.sin(2 * np.pi * breaths / 60 * made.moments(10, 32))
    assert told(belt, 32)["rate"] == pytest.approx(breaths, abs=0.2)


def test_a_sensor_of_one_sample_a_second(made):
    belt = np.sin(2 * np.pi * 15 / 60 * made.moments(60, 1) + 0.3)
    assert told(belt, 1)["rate"] == pytest.approx(15, abs=1)


def test_a_slipping_belt_does_not_breathe(made):
    time = made.moments(30, 32)
    assert told(2 * time + np.sin(2 * np.pi * 0.25 * time), 32)["rate"] == pytest.approx(15, abs=1)


def test_irregular_breathing_is_less_regular(made):
    random = np.random.default_rng(0)
    regular = np.sin(2 * np.pi * 0.25 * made.moments(60, 8))
    assert told(random.normal(size=480), 8)["regularity"] < 0.5 < told(regular, 8)["regularity"]


@pytest.mark.parametrize("belt", [np.full(60, 7.0), np.linspace(0, 1, 60)])
def test_no_breath_is_zero(belt):
    found = told(belt, 2)
    assert found["rate"] == found["regularity"] == 0
