"""Corruptions of images, on images for which the result can be calculated."""

import numpy as np
import pytest

from fedaffect.corpus.corruption.images import (
    GAMMA,
    blurred,
    covered,
    darkened,
    exposed,
    shadowed,
    spectacled,
    turned,
)
from fedaffect.corpus.corruption.item_random import ItemRandom

ITEMS = 6
EVERY = [darkened, exposed, shadowed, blurred, turned, spectacled, covered]


def draws(seed=0, items=ITEMS):
    return ItemRandom(seed, np.arange(items), "test")


def amounts(value):
    return np.full(ITEMS, value, np.float32)


def flat(grey=0.5, side=48):
    return np.full((ITEMS, side, side), grey, np.float32)


def stripes(side=48):
    """Columns whose value is their position: 0 at the left, 1 at the right."""
    return np.tile(np.linspace(0, 1, side, dtype=np.float32), (ITEMS, side, 1))


@pytest.mark.parametrize("corruption", EVERY)
@pytest.mark.parametrize("size", [(48, 48), (96, 64), (20, 33)])
def test_any_size_of_image(corruption, size):
    random = np.random.default_rng(0)
    images = random.random((ITEMS, *size)).astype(np.float32)
    found = corruption(images, amounts(0.5), draws())
    assert found.shape == images.shape
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert found.max() <= 1


@pytest.mark.parametrize("stops", [1, 2, 3])
def test_a_stop_is_half_the_light(stops):
    found = darkened(flat(0.8), amounts(stops), draws())
    light = (found**GAMMA).mean()
    assert light == pytest.approx(0.8**GAMMA / 2**stops, rel=0.02)
    assert found.std() > 0  # the sensor's noise


def test_over_exposure_loses_what_is_bright_and_keeps_what_is_dark():
    found = exposed(stripes(), amounts(2), draws())
    half = 0.25 ** (1 / GAMMA)  # from a quarter of the light on, all is white
    assert (found[stripes() > half + 0.02] == 1).all()
    dark = (stripes() > 0.2) & (stripes() < half - 0.05)
    np.testing.assert_allclose((found**GAMMA)[dark], 4 * (stripes() ** GAMMA)[dark], atol=0.03)


def test_a_shadow_lies_on_one_side_of_an_edge():
    found = shadowed(flat(0.8), amounts(2), draws())
    lit, shade = 0.8, (0.8**GAMMA / 4) ** (1 / GAMMA)
    for picture in found:
        assert picture.max() == pytest.approx(lit, abs=0.01)
        assert picture.min() == pytest.approx(shade, abs=0.01)
        between = ((picture < lit - 0.02) & (picture > shade + 0.02)).mean()
        assert between < 0.2
        assert 0.2 < (picture < (lit + shade) / 2).mean() < 0.8


def test_a_blur_spreads_a_point_over_its_length():
    """A point becomes a line: as long as was asked for, and of the point's light."""
    images = flat(0)
    images[:, 24, 24] = 1
    found = blurred(images, amounts(0.2), draws())
    np.testing.assert_allclose(found.sum(axis=(1, 2)), 1, rtol=1e-4)
    rows, columns = np.mgrid[:48, :48]
    for picture in found:
        variance = sum((picture * (axis - 24) ** 2).sum() for axis in (rows, columns))
        # uniform over 9.6 pixels: length² / 12, and a pixel's own blur between its neighbours
        assert variance == pytest.approx(9.6**2 / 12, abs=0.5)


def test_a_blur_leaves_what_is_even():
    np.testing.assert_allclose(blurred(flat(), amounts(0.2), draws()), 0.5, atol=1e-6)


def test_a_turned_head_moves_its_middle_and_keeps_its_edges():
    """In the middle one sees what lay R sin(angle) beside it; the outermost columns stay."""
    found = turned(stripes(), amounts(30), draws())
    middle = found[:, 0, 23:25].mean(axis=1)
    moved = 0.85 * np.sin(np.radians(30)) / 2 * 48 / 47
    signs = draws().sign()
    np.testing.assert_allclose(middle, 0.5 + signs * moved, atol=0.01)
    assert set(signs.tolist()) == {-1, 1}
    np.testing.assert_allclose(
        found[:, :, [0, 1, -2, -1]], stripes()[:, :, [0, 1, -2, -1]], atol=1e-5
    )
    assert (np.diff(found[:, :, 4:44], axis=2) >= -1e-6).all()


def test_not_turned_is_as_it_was():
    np.testing.assert_allclose(turned(stripes(), amounts(0), draws()), stripes(), atol=1e-5)


def test_lenses_take_their_part_of_the_light_where_the_eyes_are():
    found = spectacled(flat(0.8), amounts(0.57), draws())
    light = (found / 0.8) ** GAMMA
    for row, column in ((18, 15), (18, 32)):
        np.testing.assert_allclose(light[:, row, column], 0.43, atol=0.01)
    np.testing.assert_array_equal(light[:, 30:], 1)  # mouth and chin
    assert (light.min(axis=(1, 2)) < 0.05).all()  # the rims


@pytest.mark.parametrize("part", [0.1, 0.33, 0.5])
def test_a_hand_covers_as_much_as_was_asked_for(part):
    images = np.random.default_rng(0).random((ITEMS, 48, 48)).astype(np.float32)
    found = covered(images, amounts(part), draws())
    changed = (found != images).mean(axis=(1, 2))
    np.testing.assert_allclose(changed, part, atol=0.01)
    assert not (found[:, 0, 24] != images[:, 0, 24]).any()  # never from above


def test_a_hand_only_comes_nearer():
    images = np.random.default_rng(0).random((ITEMS, 48, 48)).astype(np.float32)
    little, much = (covered(images, amounts(p), draws()) != images for p in (0.1, 0.4))
    assert not (little & ~much).any()
