import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.errors import UserError
from fedaffect.features.body.recording import Recording, Span, Stream
from fedaffect.features.body.windows import Windows, describe

SECONDS = 240


@pytest.fixture(scope="module")
def recording(made):
    random = np.random.default_rng(0)
    beats = np.cumsum(random.uniform(0.7, 0.95, size=400))
    eda = 5 + sum(made.response(SECONDS, 4, onset) for onset in range(10, SECONDS, 40))
    streams = {
        "eda": Stream(eda.astype(np.float32), 4.0),
        "pulse": Stream(made.pulse_wave(beats, SECONDS, 64).astype(np.float32), 64.0),
        "temperature": Stream((33 + 0.1 * random.normal(size=4 * SECONDS)).astype(np.float32), 4.0),
    }
    times = {(60, 131): "calm", (140, 170): "stress", (180, 195): "calm", (200, 240): "stress"}
    spans = tuple(Span(start, end, label) for (start, end), label in times.items())
    return Recording("ann", "ann", streams, spans)


def test_windows_lie_whole_in_one_span(recording):
    described = describe(recording, Windows(seconds=30))
    assert described.start.tolist() == [60, 90, 140, 200]
    assert described.label == ("calm", "calm", "stress", "stress")


def test_windows_may_overlap(recording):
    described = describe(recording, Windows(seconds=30, step=10))
    assert described.start[:6].tolist() == [60, 70, 80, 90, 100, 140]


def test_rounded_ends_do_not_lose_a_window():
    assert [*Windows(seconds=5, step=0.7).starts(0.1, 0.1 + 5 + 3 * 0.7)] == pytest.approx(
        [0.1, 0.8, 1.5, 2.2]
    )


def test_without_labels_all_of_it_is_cut(recording):
    described = describe(dataclasses.replace(recording, spans=()), Windows(seconds=60))
    assert described.start.tolist() == [0, 60, 120, 180]
    assert described.label == (None,) * 4


def test_a_label_that_outlasts_the_recording_ends_with_it(recording):
    beyond = dataclasses.replace(recording, spans=(Span(180, 1e15, "calm"),))
    assert describe(beyond, Windows(seconds=30)).start.tolist() == [180, 210]


def test_features_are_those_of_the_windows_samples(recording):
    described = describe(recording, Windows(seconds=30))
    mean = recording.streams["temperature"].samples[140 * 4 : 170 * 4].astype(np.float64).mean()
    assert described.features["temperature"][2, 0] == pytest.approx(mean)
    assert {s: f.shape[1] for s, f in described.features.items()} == {
        "eda": 10,
        "pulse": 7,
        "temperature": 5,
    }
    assert all(there.all() for there in described.present.values())


def test_chosen_sensors_only_and_wavelets(recording):
    pytest.importorskip("pywt", reason="needs PyWavelets: pip install 'fedaffect[signals]'")
    described = describe(recording, Windows(sensors=("eda", "respiration"), kind="wavelet"))
    assert {s: f.shape[1] for s, f in described.features.items()} == {"eda": 48}


def test_what_a_window_cannot_tell_is_absent_and_zero(recording):
    streams = dict(recording.streams)
    samples = streams["pulse"].samples.copy()
    samples[140 * 64 : 170 * 64] = 0.0
    streams["pulse"] = dataclasses.replace(streams["pulse"], samples=samples)
    streams["temperature"] = dataclasses.replace(
        streams["temperature"], samples=streams["temperature"].samples[: 4 * 200]
    )
    described = describe(dataclasses.replace(recording, streams=streams), Windows())
    assert described.present["pulse"].tolist() == [True, True, False, True]
    assert described.present["temperature"].tolist() == [True, True, True, False]
    for sensor, there in described.present.items():
        assert not described.features[sensor][~there].any()


BASELINE = Windows(seconds=10, baseline_minutes=1.5)


def test_relative_to_the_first_minutes_which_give_no_window(recording):
    described = describe(recording, BASELINE)
    assert described.start.tolist()[:4] == [90, 100, 110, 120]
    rest = np.array([recording.streams["eda"].between(t, t + 10).mean() for t in range(0, 90, 10)])
    now = recording.streams["eda"].between(90, 100).mean()
    assert described.features["eda"][0, 0] == pytest.approx(
        (now - rest.mean()) / rest.std(), rel=1e-4
    )


def test_a_sensor_that_came_loose_in_the_first_minutes_is_absent_throughout(recording):
    samples = recording.streams["pulse"].samples.copy()
    samples[12 * 64 : 90 * 64] = np.nan
    streams = {**recording.streams, "pulse": Stream(samples, 64.0)}
    described = describe(dataclasses.replace(recording, streams=streams), BASELINE)
    assert not described.present["pulse"].any()
    assert not described.features["pulse"].any()
    assert described.present["eda"].all()


def test_two_people_who_differ_by_a_level_look_alike_relative_to_their_rest(recording):
    warmer = {s: Stream(x.samples + 2, x.rate) for s, x in recording.streams.items()}
    one, other = (
        describe(dataclasses.replace(recording, streams=s), BASELINE)
        for s in (recording.streams, warmer)
    )
    np.testing.assert_allclose(
        one.features["temperature"], other.features["temperature"], atol=2e-2
    )


@settings(max_examples=8, deadline=None)
@given(
    cut=st.floats(100, 239),
    seed=st.integers(0, 1000),
    windows=st.sampled_from(
        [Windows(seconds=30), Windows(seconds=5, step=2.5), BASELINE, Windows(seconds=60, step=20)]
    ),
)
def test_no_window_depends_on_what_comes_later(recording, cut, seed, windows):
    """Whatever follows, changed or cut off: windows that had ended by then keep their bits."""
    random = np.random.default_rng(seed)
    changed, shorter = {}, {}
    for sensor, stream in recording.streams.items():
        samples = stream.samples.copy()
        first = int(np.ceil(cut * stream.rate))
        samples[first:] = random.choice([np.nan, 0, 1e6], size=len(samples) - first)
        changed[sensor] = dataclasses.replace(stream, samples=samples)
        shorter[sensor] = dataclasses.replace(stream, samples=stream.samples[:first])
    whole = describe(recording, windows)
    ended = int((whole.start + windows.seconds <= cut).sum())
    for streams in (changed, shorter):
        other = describe(dataclasses.replace(recording, streams=streams), windows)
        for sensor in recording.streams:
            for of in (lambda d, s: d.features[s], lambda d, s: d.present[s]):
                np.testing.assert_array_equal(of(whole, sensor)[:ended], of(other, sensor)[:ended])


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"seconds": 4}, "seconds: 4; give a window of 5 to 60 s"),
        ({"seconds": float("nan")}, "seconds: nan"),
        ({"seconds": 10, "step": 11}, "step: 11; give 0.5 to 10 s"),
        ({"step": 0}, "step: 0; give 0.5"),
        ({"baseline_minutes": 0.9}, r"baseline_minutes: 0.9; give 1 \(2 windows\) to 60, or 0"),
        ({"baseline_minutes": -1}, "baseline_minutes: -1; give 1"),
        ({"baseline_minutes": float("nan")}, "baseline_minutes: nan; give 1"),
        ({"baseline_minutes": 1e9}, "baseline_minutes: 1e[+]09; give 1"),
        ({"sensors": ("eda", "eeg")}, "no sensor `eeg`"),
    ],
)
def test_settings_that_cannot_be(given_, message):
    with pytest.raises(UserError, match=message):
        Windows(**given_)


def test_a_sensor_nobody_knows(recording):
    streams = {"eeg": recording.streams["eda"]}
    with pytest.raises(UserError, match="no sensor `eeg`"):
        describe(dataclasses.replace(recording, streams=streams), Windows())
