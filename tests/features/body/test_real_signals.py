"""Real recordings at rest (NeuroKit's, BioSPPy's and FLIRT's samples): what comes out must be plausible."""

import numpy as np
import pytest

from fedaffect.features.body.recording import Recording, Stream
from fedaffect.features.body.sensors import SENSORS
from fedaffect.features.body.windows import Windows, describe


@pytest.fixture
def told(raw_signals):
    def told(name, sensor, rate, column, seconds=30):
        stream = Stream(raw_signals[name].astype(np.float32), rate)
        described = describe(Recording("p", name, {sensor: stream}), Windows(seconds=seconds))
        assert described.present[sensor].all()
        return described.features[sensor][:, SENSORS[sensor].names.index(column)]

    return told


@pytest.mark.parametrize(("seconds", "apart"), [(10, 6), (30, 2), (60, 1)])
def test_the_finger_beats_as_the_chest_does(told, seconds, apart):
    heart = "neurokit_bio_resting_5min_100hz__ECG", "ecg", 100.0, "heart_rate", seconds
    finger = "neurokit_bio_resting_5min_100hz__PPG", "pulse", 100.0, "heart_rate", seconds
    difference = told(*finger) - told(*heart)
    assert np.abs(difference).mean() < apart / 2
    assert np.abs(difference).max() < apart


def test_variability_at_rest(told):
    rmssd = told("neurokit_bio_resting_8min_100hz__ECG", "ecg", 100.0, "rmssd")
    assert 20 < np.median(rmssd) < 100
    assert rmssd.max() < 150


def test_people_at_rest_breathe_six_to_thirty_times_a_minute(told):
    for minutes in ("5", "8"):
        name = f"neurokit_bio_resting_{minutes}min_100hz__RSP"
        rate = told(name, "respiration", 100.0, "rate")
        assert (rate >= 6).all()
        assert (rate <= 30).all()


def test_pictures_make_more_responses_than_rest(told):
    """Four pictures in 150 s; the rest begins with one large response and decays."""
    shown = told("neurokit_bio_eventrelated_100hz__EDA", "eda", 100.0, "response_sum")
    rest = told("neurokit_bio_resting_8min_100hz__EDA", "eda", 100.0, "response_sum")
    assert np.median(shown) > 1 > np.median(rest)


def test_an_e4s_temperature_is_skins(told):
    mean = told("flirt_e4_TEMP_4hz", "temperature", 4.0, "mean")
    assert 31 < mean.min() < mean.max() < 34
