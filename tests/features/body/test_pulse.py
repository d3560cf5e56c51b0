import numpy as np
import pytest

from fedaffect.features.body.pulse import ECG, PULSE, plausible_intervals, rhythm

SETS = {"pulse": PULSE, "ecg": ECG}
RATES = [("pulse", r) for r in (16, 25, 32, 64, 100, 128, 1000)]
RATES += [("ecg", r) for r in (64, 100, 128, 250, 700, 1000)]


def wave(made, kind):
    return made.pulse_wave if kind == "pulse" else made.ecg


def told(kind, samples, rate):
    found = SETS[kind].extract(samples, rate)
    return None if found is None else dict(zip(SETS[kind].names, found, strict=True))


@pytest.mark.parametrize(("kind", "rate"), RATES)
@pytest.mark.parametrize("bpm", [48, 72, 120, 160])
def test_a_steady_heart_beats_as_often_as_it_does(kind, rate, bpm, made):
    found = told(kind, wave(made, kind)(made.steady(bpm, 30), 30, rate), rate)
    assert found["heart_rate"] == pytest.approx(bpm, abs=0.5)
    assert found["sdnn"] < 6
    assert found["rmssd"] < 10
    assert found["pnn50"] == 0
    assert found["coverage"] > 0.9


@pytest.mark.parametrize("kind", SETS)
@pytest.mark.parametrize("seconds", [5, 10, 60])
def test_72_is_72_in_every_window(kind, seconds, made):
    found = told(kind, wave(made, kind)(made.steady(72, seconds), seconds, 64), 64)
    assert found["heart_rate"] == pytest.approx(72, abs=1)


@pytest.mark.parametrize("kind", SETS)
def test_variability_is_what_was_put_in(kind, made):
    """Intervals of 800 ± 40 ms in turn: SDNN 40, every successive difference 80."""
    intervals = np.tile([0.84, 0.76], 20)
    beats = 0.5 + np.cumsum(intervals)
    found = told(kind, wave(made, kind)(beats, 33, 128), 128)
    assert found["heart_rate"] == pytest.approx(75, abs=0.3)
    assert found["sdnn"] == pytest.approx(40, abs=4)
    assert found["rmssd"] == pytest.approx(80, abs=8)
    assert found["pnn50"] == 1


def test_rhythm_by_hand():
    intervals = np.array([0.8, 0.9, 2.5, 0.8, 0.84])
    counts = np.array([True, True, False, True, True])
    found = rhythm(intervals, counts)
    taken = np.array([800, 900, 800, 840])
    np.testing.assert_allclose(
        found, [60_000 / 835, taken.std(), np.sqrt((100**2 + 40**2) / 2), 0.5]
    )


def test_intervals_that_do_not_count():
    time = np.array([0.0, 0.8, 1.6, 1.7, 2.5, 3.3, 4.1, 6.3])
    there = np.ones(700, bool)
    there[350:380] = False  # 0.3 s of the interval from 3.3 to 4.1
    _, counts = plausible_intervals(time, there, 100)
    assert counts.tolist() == [True, True, False, True, True, False, False]


def test_a_beat_too_many_spoils_its_two_intervals_only():
    time = np.array([0.0, 0.8, 1.6, 2.0, 2.4, 3.2, 4.0])
    _, counts = plausible_intervals(time, np.ones(500, bool), 100)
    assert counts.tolist() == [True, True, False, False, True, True]


def test_swing_is_the_height_of_the_wave(made):
    small = told("pulse", 100 + 3 * made.pulse_wave(made.steady(72, 30), 30, 64), 64)
    large = told("pulse", 100 + 6 * made.pulse_wave(made.steady(72, 30), 30, 64), 64)
    assert 0.5 < small["swing"] / 3 < 1.5
    assert large["swing"] == pytest.approx(2 * small["swing"])
    assert small["swing_variation"] < 0.1


def test_noise_and_single_dropped_samples_change_little(made):
    random = np.random.default_rng(0)
    signal = made.pulse_wave(made.steady(72, 30), 30, 64) + 0.1 * random.normal(size=1920)
    signal[random.random(len(signal)) < 0.1] = np.nan
    assert told("pulse", signal, 64)["heart_rate"] == pytest.approx(72, abs=1)


def test_where_the_sensor_slipped_off_no_beat_is_invented(made):
    signal = made.pulse_wave(made.steady(72, 30), 30, 64)
    signal[640:1024] = np.nan  # 6 s
    found = told("pulse", signal, 64)
    assert found["heart_rate"] == pytest.approx(72, abs=0.5)
    assert 0.7 < found["coverage"] < 0.85


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(1920),
        np.full(1920, 40_000.3, np.float32),
        np.linspace(0, 1, 1920),
        np.ones(3),
        np.eye(1, 1920, 900)[0],
    ],
    ids=["flat", "flat and high", "straight", "three", "one spike"],
)
@pytest.mark.parametrize("kind", SETS)
def test_without_a_pulse_there_is_no_heart_rate(kind, samples):
    assert SETS[kind].extract(samples, 64) is None


@pytest.mark.parametrize(("size", "is_one"), [(1e-3, False), (1, True)])
def test_a_millionth_of_the_signal_is_rounding_and_no_pulse(size, is_one, made):
    signal = 40_000 + size * made.pulse_wave(made.steady(72, 30), 30, 64)
    assert (told("pulse", signal, 64) is not None) is is_one


@pytest.mark.parametrize(("kind", "rate"), [("pulse", 4), ("pulse", 12), ("ecg", 32)])
def test_too_slow_a_sensor_sees_no_beats(kind, rate, made):
    assert told(kind, wave(made, kind)(made.steady(72, 60), 60, rate), rate) is None


def test_noise_has_no_pulse():
    random = np.random.default_rng(0)
    taken = [PULSE.extract(random.normal(size=1920), 64) for _ in range(40)]
    assert sum(found is not None for found in taken) <= 2


@pytest.mark.parametrize("bpm", [50, 60, 85, 150])
@pytest.mark.parametrize("start", [-0.5, -0.3, 0.0])
def test_five_seconds_are_enough_from_50_beats_a_minute_on(bpm, start, made):
    found = told("pulse", made.pulse_wave(made.steady(bpm, 6, start), 5, 64), 64)
    assert found["heart_rate"] == pytest.approx(bpm, abs=2)


def test_a_pulse_in_less_than_half_the_window_is_none(made):
    signal = made.pulse_wave(made.steady(72, 30), 30, 64)
    signal[750:] = 0
    assert told("pulse", signal, 64) is None
