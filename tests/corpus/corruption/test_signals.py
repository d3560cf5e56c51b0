"""What each corruption does to signals and features."""

import numpy as np
import pytest

from fedaffect.corpus.corruption.item_random import ItemRandom
from fedaffect.corpus.corruption.signals import BURST, displaced, noisy, shaken

ITEMS = 200


def draws():
    return ItemRandom(0, np.arange(ITEMS), "test")


def amounts(value):
    return np.full(ITEMS, value, np.float32)


def nothing(*shape):
    return np.zeros((ITEMS, *shape), np.float32)


@pytest.mark.parametrize("shape", [(30, 2), (9,)])
def test_noise_has_the_deviation_asked_for(shape):
    found = noisy(nothing(*shape), amounts(1.5), draws())
    assert found.std() == pytest.approx(1.5, rel=0.05)
    assert found.mean() == pytest.approx(0, abs=0.1)


def test_displacement_lasts_through_a_window():
    found = displaced(nothing(30, 2), amounts(2), draws())
    np.testing.assert_array_equal(found, np.broadcast_to(found[:, :1], found.shape))
    shift = np.abs(found[:, 0])
    assert shift.min() >= 1
    assert shift.max() <= 2
    assert 0.4 < (found[:, 0] > 0).mean() < 0.6


def test_displacement_weakens_the_swing():
    """By at most so many octaves: of a swing of 1, at least 2^-2 is left."""
    up = nothing(2, 3)
    up[:, 0], up[:, 1] = 0.5, -0.5
    found = displaced(up, amounts(2), draws())
    swing = found[:, 0] - found[:, 1]
    assert swing.min() >= 0.25
    assert swing.max() <= 1
    assert swing.mean() == pytest.approx(0.75 / np.log(4), abs=0.05)  # mean of 4^-u


def test_a_movement_takes_one_stretch_of_the_time():
    found = shaken(nothing(200, 3), amounts(0.2), draws())
    moved = (found != 0).any(axis=2)
    first, last = moved.argmax(axis=1), 199 - moved[:, ::-1].argmax(axis=1)
    np.testing.assert_allclose(last - first + 1, 40, atol=2)
    assert np.abs(found).max() <= BURST
    assert np.abs(found).max() > 0.9 * BURST
    # All channels oscillate together.
    one, other = found[:, :, 0], found[:, :, 1]
    correlation = (one * other).sum(axis=1) ** 2 / ((one**2).sum(axis=1) * (other**2).sum(axis=1))
    np.testing.assert_allclose(correlation, 1, rtol=1e-4)


def test_a_movement_of_features_hits_some_columns():
    found = shaken(nothing(50), amounts(0.2), draws())
    assert (found != 0).mean() == pytest.approx(0.2, abs=0.01)
    assert set(np.unique(found)) == {-BURST, 0, BURST}


@pytest.mark.parametrize("shape", [(200, 3), (50,)])
def test_a_larger_movement_holds_the_smaller(shape):
    little, much = (shaken(nothing(*shape), amounts(p), draws()) for p in (0.1, 0.5))
    same = little != 0
    np.testing.assert_allclose(much[same], little[same], rtol=1e-5)
