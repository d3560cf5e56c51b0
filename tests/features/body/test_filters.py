import numpy as np
import pytest

from fedaffect.features.body.filters import (
    band_pass,
    known,
    low_pass,
    moving_mean,
    rises,
    thinned,
    without_gaps,
)


def test_gaps_are_what_no_sensor_can_have_read():
    read = np.array([0, np.nan, np.inf, -np.inf, 1e9, 2e9, -3], np.float32)
    assert known(read).tolist() == [True, False, False, False, True, False, True]


def test_gaps_are_bridged_by_straight_lines_and_by_the_nearest_sample_at_the_ends():
    read = np.array([np.nan, 1, 2, np.nan, np.nan, 5, 6, np.inf])
    assert without_gaps(read).tolist() == [1, 1, 2, 3, 4, 5, 6, 6]


@pytest.mark.parametrize(
    "read", [[], [1, 2, 3], [1, 2, 3, 4, *[np.nan] * 5], [np.nan] * 9], ids=str
)
def test_less_than_half_and_fewer_than_four_samples_are_too_little(read):
    assert without_gaps(np.array(read, np.float64)) is None


def test_thinning_takes_means_and_leaves_enough():
    samples, rate = thinned(np.arange(9.0), 20, enough=8)
    assert samples.tolist() == [0.5, 2.5, 4.5, 6.5]
    assert rate == 10
    assert thinned(np.arange(9.0), 4, enough=8)[1] == 4
    assert len(thinned(np.arange(5.0), 1000, enough=8)[0]) == 5


def test_straight_lines_pass_the_low_pass():
    line = 3 - 0.25 * np.arange(20)
    np.testing.assert_allclose(low_pass(line, 4, 0.05), line, atol=1e-12)
    np.testing.assert_allclose(band_pass(line, 4, 0.1, 1), 0, atol=1e-12)


@pytest.mark.parametrize(("times", "gain"), [(0.25, 256 / 257), (1, 1 / 2), (2, 1 / 17)])
def test_gain_is_that_of_a_butterworth_both_ways(times, gain):
    cutoff, rate = 0.5, 50
    time = np.arange(200 * rate) / rate
    wave = np.sin(2 * np.pi * times * cutoff * time)
    middle = slice(len(time) // 4, -len(time) // 4)
    np.testing.assert_allclose(low_pass(wave, rate, cutoff)[middle], gain * wave[middle], atol=1e-3)


def test_moving_mean_by_hand():
    assert moving_mean(np.array([0.0, 3, 6, 0]), 3).tolist() == [1, 3, 3, 2]
    assert moving_mean(np.array([0.0, 3, 6, 0]), 2).tolist() == [1, 3, 3, 2]
    assert moving_mean(np.array([2.0, 5]), 0).tolist() == [2, 5]


@pytest.mark.parametrize(
    ("signal", "found"),
    [
        ([0, 1, 0], [(0, 1)]),
        ([0, 0.9, 0], []),
        ([5, 4, 6, 5.8, 7, 5, 5, 6], [(1, 4)]),
        ([0, 2, 1, 3, 0], [(0, 1), (2, 3)]),
        ([0, 1, 2], []),
        ([0, 2, 1.9], [(0, 1)]),
        ([1, 1, 1, 1], []),
    ],
    ids=str,
)
def test_rises_by_hand(signal, found):
    assert [*rises(np.array(signal, np.float64), 1)] == found
