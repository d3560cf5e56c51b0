"""What happens to pictures of faces in a car, of any size: rows and columns run from -1 to 1.

Every function takes pictures float32 [n, height, width] of values 0..1, how much of the trouble each gets
[n], and the lots of each; it returns pictures of the same shape.
"""

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.corruption.item_random import Floats, Lots

GAMMA = 2.2
"""Pixel = light^(1 / GAMMA), nearly what sRGB says: light adds up and scales, pixels don't."""

SENSOR_NOISE = 0.002
"""Deviation of the sensor's own noise, in parts of the light at which a pixel is white."""

TAPS = 13
"""Moments of the exposure that a motion blur adds up: more than one a pixel of 48."""

HEAD_RADIUS = 0.85
"""Of the cylinder that a head is."""

EYE_ROW, EYE_COLUMN = -0.25, 0.35
LENS_HEIGHT, LENS_WIDTH, RIM, ARM = 0.2, 0.29, 0.07, 0.035
"""Where FER2013 has eyes (read from its mean face), half axes of a lens, and how wide its rim is."""

FINGER = 0.34
"""How wide a finger is."""


def exposed(images: Floats, stops: Floats, lots: Lots) -> Floats:
    """The light times 2^stops: below 0 the sensor's noise shows, above 0 white is all there is."""
    noise = SENSOR_NOISE * lots.normal(*images.shape[1:])
    return _pixels(_light(images) * _each(np.exp2(stops)) + noise)


def darkened(images: Floats, stops: Floats, lots: Lots) -> Floats:
    """Too little light, by so many stops."""
    return exposed(images, -stops, lots)


def shadowed(images: Floats, stops: Floats, lots: Lots) -> Floats:
    """A straight edge across the face, drawn at random; beyond it the light is less by so many stops."""
    angle, offset = lots.uniform(0, 2 * np.pi), lots.uniform(-0.3, 0.3)
    y, x = _grid(images)
    along = _each(np.cos(angle)) * x + _each(np.sin(angle)) * y - _each(offset)
    shade = 1 / (1 + np.exp(-along / 0.05))
    return _pixels(_light(images) * np.exp2(-_each(stops) * shade))


def blurred(images: Floats, length: Floats, lots: Lots) -> Floats:
    """The mean over a movement along a straight line of so many parts of a side, in a random direction."""
    angle = lots.uniform(0, np.pi)
    y, x = _grid(images)
    total = np.zeros_like(images)
    for moment in (2 * np.arange(TAPS) + 1) / TAPS - 1:
        moved = np.float32(moment) * length
        total += _sampled(
            images, y + _each(moved * np.sin(angle)), x + _each(moved * np.cos(angle))
        )
    return _float32(total / TAPS)


def turned(images: Floats, degrees: Floats, lots: Lots) -> Floats:
    """The head as a cylinder, turned to the left or to the right; what comes into view repeats its edge."""
    angle = _each(np.radians(degrees) * lots.sign())
    y, x = _grid(images)
    facing = np.arcsin(np.clip(x / HEAD_RADIUS, -1, 1)) + angle
    source = HEAD_RADIUS * np.sin(np.clip(facing, -np.pi / 2, np.pi / 2))
    return _sampled(images, y, np.where(np.abs(x) < HEAD_RADIUS, source, x))


def spectacled(images: Floats, taken: Floats, lots: Lots) -> Floats:
    """Glasses with dark rims, whose lenses take so much of the light."""
    down, right = (_each(lots.uniform(-0.06, 0.06)) for _ in range(2))
    y, x = (axis - moved for axis, moved in zip(_grid(images), (down, right), strict=True))
    across = np.abs(x) - EYE_COLUMN  # both eyes are one
    lens = 1 - np.hypot((y - EYE_ROW) / LENS_HEIGHT, across / LENS_WIDTH)
    inside, with_rim = _soft(lens, 0.15), _soft(lens + RIM / LENS_HEIGHT, 0.15)
    arms = (np.abs(y - EYE_ROW + LENS_HEIGHT / 3) < ARM) & (np.abs(across) > LENS_WIDTH)
    frame = np.maximum(with_rim, arms) - inside
    return _pixels(_light(images) * (1 - _each(taken) * inside) * (1 - frame))


def covered(images: Floats, part: Floats, lots: Lots) -> Floats:
    """A hand from below or from a side, over so much of the picture, in the face's own tone."""
    angle = lots.uniform(0, np.pi)
    y, x = _grid(images)
    along = _each(np.cos(angle)) * x + _each(np.sin(angle)) * y
    across = _each(np.cos(angle)) * y - _each(np.sin(angle)) * x
    finger = np.cos(across * (2 * np.pi / FINGER))  # 1 in its middle, -1 between two
    reach = (np.hypot(along - 1.4, across) - 0.08 * finger).reshape(len(images), -1)
    rank = reach.argsort(axis=1).argsort(axis=1).reshape(images.shape)
    hand = rank < _each(part) * rank[0].size
    tone = np.quantile(images, 0.6, axis=(1, 2), keepdims=True)
    return _float32(np.where(hand, tone * (1 - 0.4 * (0.5 - 0.5 * finger) ** 4), images))


def _each(value: Floats) -> Floats:
    """[n] → [n, 1, 1]"""
    return _float32(value[:, None, None])


def _grid(images: Floats) -> tuple[Floats, Floats]:
    """Rows [1, height, 1] and columns [1, 1, width] of the centres of pixels, from -1 to 1."""
    height, width = images.shape[1:]
    y, x = ((2 * np.arange(n, dtype=np.float32) + 1) / n - 1 for n in (height, width))
    return y[None, :, None], x[None, None, :]


def _light(images: Floats) -> Floats:
    return _float32(images**GAMMA)


def _pixels(light: npt.NDArray[np.floating]) -> Floats:
    return _float32(np.clip(light, 0, 1) ** (1 / GAMMA))


def _soft(signed: npt.NDArray[np.floating], width: float) -> Floats:
    """0 to 1 across an edge at 0, so that it has no teeth."""
    return _float32(np.clip(signed / width + 0.5, 0, 1))


def _sampled(images: Floats, y: Floats, x: Floats) -> Floats:
    """Pictures read at rows [n, height, 1] and columns [n, 1, width] of -1..1, between pixels bilinearly.

    Beyond an edge its pixels go on.
    """
    height, width = images.shape[1:]
    row = np.clip((y + 1) * height / 2 - 0.5, 0, height - 1)
    column = np.clip((x + 1) * width / 2 - 0.5, 0, width - 1)
    top = np.minimum(row.astype(np.int64), height - 2)
    left = np.minimum(column.astype(np.int64), width - 2)
    down, right = row - top, column - left
    corner = np.arange(len(images))[:, None, None] * (height * width) + top * width + left
    flat = images.reshape(-1)
    upper = flat[corner] * (1 - right) + flat[corner + 1] * right
    lower = flat[corner + width] * (1 - right) + flat[corner + width + 1] * right
    return _float32(upper * (1 - down) + lower * down)


def _float32(values: npt.NDArray[np.floating]) -> Floats:
    return values.astype(np.float32, copy=False)
