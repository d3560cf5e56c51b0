"""Corruptions of face images in a car. Coordinates of rows and columns run from -1 to 1 at any image size.

Every function takes images float32 [n, height, width] with values 0..1, the amount of corruption float32
[n] in the function's unit, and the items' random numbers; it returns images of the same shape.
"""

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.corruption.item_random import Floats, ItemRandom

GAMMA = 2.2
"""Pixel = light^(1 / GAMMA), nearly sRGB. Light is additive, pixel values are not."""

SENSOR_NOISE = 0.002
"""Standard deviation of the camera's noise; 1 is the light at which a pixel is white."""

TAPS = 13
"""Samples of a motion blur along its line."""

HEAD_RADIUS = 0.85
"""Radius of the cylinder that models a head."""

EYE_ROW, EYE_COLUMN = -0.25, 0.35
LENS_HEIGHT, LENS_WIDTH, RIM, ARM = 0.2, 0.29, 0.07, 0.035
"""Position of the eyes (in FER2013's mean face), half axes of a lens, widths of its rim and of the arms."""

FINGER = 0.34
"""Width of a finger."""


def exposed(images: Floats, stops: Floats, random: ItemRandom) -> Floats:
    """Light times 2^stops plus the camera's noise; what exceeds white is clipped."""
    noise = SENSOR_NOISE * random.normal(*images.shape[1:])
    return _pixels(_light(images) * _each(np.exp2(stops)) + noise)


def darkened(images: Floats, stops: Floats, random: ItemRandom) -> Floats:
    """Underexposure by `stops`."""
    return exposed(images, -stops, random)


def shadowed(images: Floats, stops: Floats, random: ItemRandom) -> Floats:
    """A cast shadow: beyond a random straight edge across the face, the light is `stops` lower."""
    angle, offset = random.uniform(0, 2 * np.pi), random.uniform(-0.3, 0.3)
    y, x = _grid(images)
    along = _each(np.cos(angle)) * x + _each(np.sin(angle)) * y - _each(offset)
    shade = 1 / (1 + np.exp(-along / 0.05))
    return _pixels(_light(images) * np.exp2(-_each(stops) * shade))


def blurred(images: Floats, length: Floats, random: ItemRandom) -> Floats:
    """Motion blur along a random straight line; `length` is a fraction of the image's side."""
    angle = random.uniform(0, np.pi)
    y, x = _grid(images)
    total = np.zeros_like(images)
    for moment in (2 * np.arange(TAPS) + 1) / TAPS - 1:
        moved = np.float32(moment) * length
        total += _sampled(
            images, y + _each(moved * np.sin(angle)), x + _each(moved * np.cos(angle))
        )
    return _float32(total / TAPS)


def turned(images: Floats, degrees: Floats, random: ItemRandom) -> Floats:
    """A head turned left or right, modelled as a cylinder; what comes into view repeats its edge."""
    angle = _each(np.radians(degrees) * random.sign())
    y, x = _grid(images)
    facing = np.arcsin(np.clip(x / HEAD_RADIUS, -1, 1)) + angle
    source = HEAD_RADIUS * np.sin(np.clip(facing, -np.pi / 2, np.pi / 2))
    return _sampled(images, y, np.where(np.abs(x) < HEAD_RADIUS, source, x))


def spectacled(images: Floats, taken: Floats, random: ItemRandom) -> Floats:
    """Glasses with dark rims, whose lenses absorb the fraction `taken` of the light."""
    down, right = (_each(random.uniform(-0.06, 0.06)) for _ in range(2))
    y, x = (axis - moved for axis, moved in zip(_grid(images), (down, right), strict=True))
    across = np.abs(x) - EYE_COLUMN  # both eyes at once, by symmetry
    lens = 1 - np.hypot((y - EYE_ROW) / LENS_HEIGHT, across / LENS_WIDTH)
    inside, with_rim = _soft(lens, 0.15), _soft(lens + RIM / LENS_HEIGHT, 0.15)
    arms = (np.abs(y - EYE_ROW + LENS_HEIGHT / 3) < ARM) & (np.abs(across) > LENS_WIDTH)
    frame = np.maximum(with_rim, arms) - inside
    return _pixels(_light(images) * (1 - _each(taken) * inside) * (1 - frame))


def covered(images: Floats, part: Floats, random: ItemRandom) -> Floats:
    """A hand from below or from a side, in the face's tone, over the fraction `part` of the image."""
    angle = random.uniform(0, np.pi)
    y, x = _grid(images)
    along = _each(np.cos(angle)) * x + _each(np.sin(angle)) * y
    across = _each(np.cos(angle)) * y - _each(np.sin(angle)) * x
    finger = np.cos(across * (2 * np.pi / FINGER))  # 1 in the middle of a finger, -1 between two
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
    """An antialiased step from 0 to 1 around 0."""
    return _float32(np.clip(signed / width + 0.5, 0, 1))


def _sampled(images: Floats, y: Floats, x: Floats) -> Floats:
    """Images sampled bilinearly at rows [n, height, 1] and columns [n, 1, width]; borders are repeated."""
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
