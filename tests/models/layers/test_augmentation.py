"""One change at a time, each worked by hand on a small image."""

import pytest
import torch
from pydantic import ValidationError

from fedaffect.models.layers.augmentation import Augmentation, augmented

NOTHING = {"mirror": 0, "shift": 0, "rotation": 0, "zoom": 0, "erase": 0}
IMAGE = torch.arange(1.0, 17).view(1, 1, 4, 4)


def changed(images=IMAGE, seed=0, **settings):
    torch.manual_seed(seed)
    return augmented(images, Augmentation(**{**NOTHING, **settings}))


def drawn(monkeypatch, *values):
    """What `torch.rand` says, one value a call."""
    left = list(values)
    monkeypatch.setattr(torch, "rand", lambda n, device: torch.full((n,), left.pop(0)))
    return left


def test_nothing_asked_nothing_done():
    torch.testing.assert_close(changed(), IMAGE)


def test_a_mirror_exchanges_left_and_right():
    torch.testing.assert_close(changed(mirror=1), IMAGE.flip(-1))
    both = changed(IMAGE.expand(200, 1, 4, 4), mirror=0.5)
    mirrored = (both[:, 0, 0, 0] - 4).abs() < 1e-4
    assert 70 < mirrored.sum() < 130


def test_a_shift_lets_zeros_in(monkeypatch):
    """By a quarter of a side to the right and none down: column 0 shows what was column 1."""
    drawn(monkeypatch, 0.5, 0.5, 1.0, 1.0, 0.5, 1.0, 0.0, 0.0, 0.0, 0.0)
    found = changed(shift=0.25)
    torch.testing.assert_close(found[..., :3], IMAGE[..., 1:])
    assert not found[..., 3].any()


def test_a_quarter_turn(monkeypatch):
    drawn(monkeypatch, 1.0, 0.5, 1.0, 0.5, 0.5, 1.0, 0.0, 0.0, 0.0, 0.0)
    torch.testing.assert_close(changed(rotation=90), IMAGE.rot90(dims=(2, 3)), rtol=1e-4, atol=1e-4)


def test_a_zoom_shows_the_middle_or_more_than_all(monkeypatch):
    drawn(monkeypatch, 0.5, 0.0, 1.0, 0.5, 0.5, 1.0, 0.0, 0.0, 0.0, 0.0)
    near = changed(zoom=0.5)
    assert near[0, 0, 0].tolist() == pytest.approx([4.75, 5.25, 5.75, 6.25])
    drawn(monkeypatch, 0.5, 1.0, 1.0, 0.5, 0.5, 1.0, 0.0, 0.0, 0.0, 0.0)
    far = changed(torch.ones(1, 1, 8, 8), zoom=0.99)
    assert not far[0, 0, 0].any()
    assert far[0, 0, 3:5, 3:5].eq(1).all()


def test_a_rectangle_is_blotted_out(monkeypatch):
    """Half as high and a quarter as wide as the image; from row 1 (of 0..2), column 3 (of 0..3)."""
    drawn(monkeypatch, 0.5, 0.5, 1.0, 0.5, 0.5, 0.0, 1.0, 0.5, 0.5, 1.0)
    left = changed(erase=1, erase_side=0.5) == 0
    assert left[0, 0].int().tolist() == [[0] * 4, [0, 0, 0, 1], [0, 0, 0, 1], [0] * 4]


def test_how_often_and_how_much_is_blotted_out():
    ones = torch.ones(500, 1, 16, 16)
    blots = (changed(ones, erase=0.3, erase_side=0.5) == 0).flatten(1).float().mean(dim=1)
    assert 0.2 < (blots > 0).float().mean() < 0.4
    assert blots.max() <= (9 / 16) ** 2  # a side of eight covers at most nine pixels' middles
    assert (changed(ones, erase=1, erase_side=1) == 0).any(dim=0).all()  # no place is safe


def test_each_image_has_its_own_and_the_seed_decides():
    two = IMAGE.expand(2, 1, 4, 4)
    every = {"mirror": 0.5, "shift": 0.2, "rotation": 30, "zoom": 0.3, "erase": 0.5}
    first, second = changed(two, **every)
    assert not torch.equal(first, second)
    assert torch.equal(changed(two, **every), changed(two, **every))
    assert not torch.equal(changed(two, **every), changed(two, seed=1, **every))


@pytest.mark.parametrize("wrong", [{"mirror": 1.1}, {"zoom": 1}, {"shift": -1}, {"erase_side": 2}])
def test_settings_have_bounds(wrong):
    with pytest.raises(ValidationError):
        Augmentation(**wrong)
