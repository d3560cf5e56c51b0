"""What happens to sensors on a wrist: to signals [n, time, channels], or to features of windows [n, columns].

Every function takes values whose channels (or columns) have mean 0 and deviation 1, how much of the trouble
each item gets [n], and the lots of each; it returns values of the same shape.
"""

import numpy as np

from fedaffect.corpus.corruption.item_random import Floats, Lots

BURST = 4.0
"""How far a movement throws a value, in deviations."""


def noisy(values: Floats, deviations: Floats, lots: Lots) -> Floats:
    """Noise of so many deviations on every value."""
    return values + _each(values, deviations) * lots.normal(*values.shape[1:])


def displaced(values: Floats, deviations: Floats, lots: Lots) -> Floats:
    """Looser contact and another spot of skin: channels are weaker, and shifted by up to so many deviations.

    A channel keeps 2^(-u · deviations) of its swing, u uniform in 0..1.
    """
    channels = values.shape[-1]
    weaker = lots.uniform(0, 1, channels)
    shift = lots.uniform(0.5, 1, channels) * lots.sign(channels)
    each = _each(values, deviations)
    shape = (len(values), *[1] * (values.ndim - 2), channels)
    return values * np.exp2(-each * weaker.reshape(shape)) + each * shift.reshape(shape)


def shaken(values: Floats, part: Floats, lots: Lots) -> Floats:
    """A movement: so much of a signal's time oscillates; of features, so many of the columns are off.

    All channels move with the one arm, each with its own strength and sign.
    """
    if values.ndim == 2:
        hit = lots.uniform(0, 1, values.shape[1]) < part[:, None]
        return values + BURST * hit * lots.sign(values.shape[1])
    time = np.arange(values.shape[1], dtype=np.float32) / values.shape[1]
    begins = lots.uniform(0, 1)[:, None] * (1 - part[:, None])
    hit = (time >= begins) & (time < begins + part[:, None])
    cycles, phase = lots.uniform(8, 16)[:, None], lots.uniform(0, 2 * np.pi)[:, None]
    arm = hit * np.sin(2 * np.pi * cycles * time + phase)  # [n, time]
    strength = lots.uniform(0.5, 1, values.shape[2]) * lots.sign(values.shape[2])
    thrown: Floats = BURST * arm[:, :, None] * strength[:, None, :]
    return values + thrown


def _each(values: Floats, amount: Floats) -> Floats:
    """[n] → [n, 1, …], as many axes as the values have."""
    each: Floats = amount.reshape(len(values), *[1] * (values.ndim - 1))
    return each
