import numpy as np
import pytest

from fedaffect.features.body.level import extract, level


def test_by_hand():
    found = extract(np.array([1.0, 2, 3, 4]), rate=1)
    np.testing.assert_allclose(found, [2.5, np.sqrt(1.25), 1, 4, 60])


def test_the_slope_is_that_of_least_squares():
    samples = np.array([32.0, 32.5, 32.1, 32.9, 33.0])
    slope = np.polyfit(np.arange(5) / 4 / 60, samples, 1)[0]
    assert extract(samples, rate=4)[-1] == pytest.approx(slope)


def test_columns_are_as_many_as_numbers():
    assert level("°C", 20, 42, 2).names == ("mean", "sd", "min", "max", "slope")


def test_a_fallen_sample_does_not_count_as_zero():
    found = extract(np.array([32, np.nan, 32, 32, 32, np.inf], np.float32), rate=4)
    np.testing.assert_allclose(found, [32, 0, 32, 32, 0], atol=1e-9)
