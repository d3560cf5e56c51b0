"""Corruptions of wrist-worn sensors: of signals [n, time, channels], or of features of windows [n, columns].

Every function takes float32 values whose channels (or columns) have mean 0 and standard deviation 1, the
amount of corruption float32 [n] in the function's unit, and the items' random numbers; it returns values of
the same shape.
"""

import numpy as np

from fedaffect.corpus.corruption.item_random import Floats, ItemRandom

BURST = 4.0
"""Amplitude of a movement artefact, in standard deviations."""


def noisy(values: Floats, deviations: Floats, random: ItemRandom) -> Floats:
    """White noise of `deviations` standard deviations."""
    return values + _each(values, deviations) * random.normal(*values.shape[1:])


def displaced(values: Floats, deviations: Floats, random: ItemRandom) -> Floats:
    """A slipped sensor: amplitudes shrink by 2^(-u · deviations), u uniform in 0..1, and the level shifts.

    The shift is between half of `deviations` and all of it, up or down, for each channel.
    """
    channels = values.shape[-1]
    weaker = random.uniform(0, 1, channels)
    shift = random.uniform(0.5, 1, channels) * random.sign(channels)
    each = _each(values, deviations)
    shape = (len(values), *[1] * (values.ndim - 2), channels)
    return values * np.exp2(-each * weaker.reshape(shape)) + each * shift.reshape(shape)


def shaken(values: Floats, part: Floats, random: ItemRandom) -> Floats:
    """A movement artefact: the fraction `part` of the time oscillates; of features, of the columns shifts.

    All channels oscillate together, each with its own amplitude and sign.
    """
    if values.ndim == 2:
        hit = random.uniform(0, 1, values.shape[1]) < part[:, None]
        return values + BURST * hit * random.sign(values.shape[1])
    time = np.arange(values.shape[1], dtype=np.float32) / values.shape[1]
    begins = random.uniform(0, 1)[:, None] * (1 - part[:, None])
    hit = (time >= begins) & (time < begins + part[:, None])
    cycles, phase = random.uniform(8, 16)[:, None], random.uniform(0, 2 * np.pi)[:, None]
    arm = hit * np.sin(2 * np.pi * cycles * time + phase)  # [n, time]
    strength = random.uniform(0.5, 1, values.shape[2]) * random.sign(values.shape[2])
    thrown: Floats = BURST * arm[:, :, None] * strength[:, None, :]
    return values + thrown


def _each(values: Floats, amount: Floats) -> Floats:
    """[n] → [n, 1, …], as many axes as the values have."""
    each: Floats = amount.reshape(len(values), *[1] * (values.ndim - 1))
    return each
