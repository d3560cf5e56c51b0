"""Spoiling a batch, a training picture, or one modality of a corpus, by the table of corruptions.

In the manner of ImageNet-C (Hendrycks and Dietterich 2019). An item's lot is keyed by (seed, corruption,
item): it meets the same trouble alone and in a batch, and more of the same at a higher severity.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.corruption.item_random import Lots
from fedaffect.corpus.corruption.table import CORRUPTIONS, SEVERITIES, Corruption
from fedaffect.corpus.schema import Corpus
from fedaffect.errors import UserError
from fedaffect.randomness import generator
from fedaffect.schema import Array, Flags, Integers

Floats = npt.NDArray[np.float32]
Each = npt.NDArray[np.floating] | float

BATCH = 256
"""Items worked on at once, which bounds the memory that a corpus takes."""


def corrupt(
    values: Array,
    name: str,
    severity: int | Integers,
    *,
    seed: int,
    item: Integers,
    centre: Each = 0.0,
    scale: Each = 1.0,
) -> Array:
    """A batch, spoilt; in the shape and dtype that it came in.

    Args:
        values: pictures uint8 [n, height, width], signals [n, time, channels] or features [n, columns].
        severity: 0 (as it is) to 5, for all items or int64 [n].
        item: int64 [n], what the items are known by: their rows in the corpus.
        centre: of signals and features: the mean of each channel or column, in train.
        scale: their deviation there, which amounts are counted in.

    Raises:
        UserError: no such corruption or severity, or values that it does not suit.
    """
    corruption = _known(name, severity)
    _ensure_suits(values, name)
    found, severities = values.copy(), np.broadcast_to(severity, len(values))
    rows = np.flatnonzero(severities)
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        amount = np.array(corruption.amount, dtype=np.float32)[severities[some] - 1]
        lots = Lots(seed, item[some], "corruption", name)
        if corruption.of == "image":
            found[some] = _on_pixels(corruption, values[some], amount, lots)
        else:
            found[some] = _on_deviations(corruption, values[some], amount, lots, centre, scale)
    return found


def lost(severity: int, *, seed: int, item: Integers) -> Flags:
    """bool [n]: which items `drop-out` loses; what is lost at a severity is lost at the next.

    Raises:
        UserError: no such severity.
    """
    corruption = _known("drop-out", severity)
    if not len(item) or not severity:
        return np.zeros(len(item), bool)
    return (
        Lots(seed, item, "corruption", "drop-out").uniform(0, 1) < corruption.amount[severity - 1]
    )


def corrupted(
    corpus: Corpus, modality: str, name: str, severity: int, *, seed: int, split: str = "test"
) -> Corpus:
    """The corpus with one modality of one split spoilt. Deviations are those in train, where it is present.

    Raises:
        UserError: no such modality, corruption or severity, or one that does not suit the modality.
    """
    corpus.with_modalities((modality,))
    rows = np.flatnonzero(corpus.items_in(split))
    values, present = corpus.features[modality], corpus.present[modality]
    if name == "drop-out":
        there = present.copy()
        there[rows] &= ~lost(severity, seed=seed, item=rows)
        return replace(corpus, present={**corpus.present, modality: there})
    centre, scale = _spread(values[corpus.items_in("train") & present])
    spoilt = np.array(values)
    spoilt[rows] = corrupt(
        values[rows], name, severity, seed=seed, item=rows, centre=centre, scale=scale
    )
    return replace(corpus, features={**corpus.features, modality: spoilt})


def augmented(
    images: Array, *, seed: int, item: Integers, share: float = 0.5, severest: int = 3
) -> Array:
    """Pictures to learn from, uint8 [n, height, width]: some of them, `share`, spoilt in one way each.

    Which way and how badly (1 to `severest`) is drawn for each item; a larger share spoils the same and more.
    A model that learns so has seen these kinds of trouble: how it bears them says nothing of others.
    """
    ways = [name for name, corruption in CORRUPTIONS.items() if corruption.of == "image"]
    drawn = [generator(seed, "augmentation", int(i)).random(3) for i in item]
    lot, way, badly = np.reshape(drawn, (len(item), 3)).T
    severity = np.where(lot < share, 1 + (badly * severest).astype(np.int64), 0)
    found = images.copy()
    for position, name in enumerate(ways):
        rows = np.flatnonzero((way * len(ways)).astype(np.int64) == position)
        found[rows] = corrupt(images[rows], name, severity[rows], seed=seed, item=item[rows])
    return found


def _on_pixels(corruption: Corruption, images: Array, amount: Floats, lots: Lots) -> Array:
    assert corruption.apply
    spoilt = corruption.apply((images / 255).astype(np.float32), amount, lots)
    return np.rint(255 * np.clip(spoilt, 0, 1)).astype(np.uint8)


def _on_deviations(
    corruption: Corruption, values: Array, amount: Floats, lots: Lots, centre: Each, scale: Each
) -> Array:
    assert corruption.apply
    standard = ((values - centre) / np.where(np.equal(scale, 0), 1, scale)).astype(np.float32)
    change = corruption.apply(standard, amount, lots) - standard
    return (values + scale * change).astype(values.dtype)


def _spread(values: Array) -> tuple[Each, Each]:
    """Mean and deviation of each channel or column; of pictures nothing, nobody asks for it."""
    if values.dtype.kind != "f" or not len(values):
        return 0.0, 1.0
    axes = tuple(range(values.ndim - 1))
    return values.mean(axis=axes, dtype=np.float64), values.std(axis=axes, dtype=np.float64)


def _known(name: str, severity: int | Integers) -> Corruption:
    if name not in CORRUPTIONS:
        raise UserError(f"corruption: no such one: `{name}`; there are: {', '.join(CORRUPTIONS)}")
    if not np.isin(severity, range(SEVERITIES + 1)).all():
        raise UserError(f"corruption.severity: {severity}; give 0 to {SEVERITIES}")
    return CORRUPTIONS[name]


def _ensure_suits(values: Array, name: str) -> None:
    of = CORRUPTIONS[name].of
    if of == "any":
        raise UserError(
            f"corruption `{name}` takes items whole and leaves their values; use `lost`"
        )
    image = values.dtype == np.uint8 and values.ndim == 3
    signal = values.dtype.kind == "f" and values.ndim in (2, 3)
    if not (image if of == "image" else signal):
        wanted = {
            "image": "pictures uint8[height, width]",
            "signal": "signals float[time, channels] or features float[columns]",
        }
        raise UserError(
            f"corruption `{name}` is for {wanted[of]}, not for {values.dtype}{list(values.shape[1:])}; "
            "choose another, or another modality"
        )
