"""Corrupt a batch, training images, or one modality of a corpus, as the table of corruptions says.

After ImageNet-C (Hendrycks and Dietterich 2019). Random numbers are keyed by (seed, corruption, item): an
item is corrupted in the same way alone and in a batch, and further in that way at a higher severity.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.corruption.item_random import Floats, ItemRandom
from fedaffect.corpus.corruption.table import CORRUPTIONS, SEVERITIES, Corruption
from fedaffect.corpus.schema import Corpus
from fedaffect.errors import UserError
from fedaffect.randomness import generator
from fedaffect.schema import Array, Flags, Integers

Each = npt.NDArray[np.floating] | float

BATCH = 256
"""Items processed at once, which bounds memory."""


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
    """A corrupted copy of a batch, in its shape and dtype.

    Args:
        values: images uint8 [n, height, width], signals [n, time, channels] or features [n, columns].
        severity: 0 (unchanged) to 5, one for all items or int64 [n].
        item: int64 [n], rows of the corpus.
        centre: mean of each channel or column of signals or features over the training items.
        scale: their standard deviation there, the unit of amounts.

    Raises:
        UserError: unknown corruption, severity out of range, or values of another kind.
    """
    corruption = _known(name, severity)
    _ensure_suits(values, name)
    found, severities = values.copy(), np.broadcast_to(severity, len(values))
    rows = np.flatnonzero(severities)
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        amount = np.array(corruption.amount, dtype=np.float32)[severities[some] - 1]
        random = ItemRandom(seed, item[some], "corruption", name)
        if corruption.applies_to == "image":
            found[some] = _on_pixels(corruption, values[some], amount, random)
        else:
            found[some] = _on_deviations(corruption, values[some], amount, random, centre, scale)
    return found


def lost(severity: int, *, seed: int, item: Integers) -> Flags:
    """bool [n]: which items `drop-out` removes; an item lost at one severity is lost at all higher ones.

    Raises:
        UserError: severity out of range.
    """
    corruption = _known("drop-out", severity)
    if not len(item) or not severity:
        return np.zeros(len(item), bool)
    draw = ItemRandom(seed, item, "corruption", "drop-out").uniform(0, 1)
    return draw < corruption.amount[severity - 1]


def corrupted(
    corpus: Corpus, modality: str, name: str, severity: int, *, seed: int, split: str = "test"
) -> Corpus:
    """The corpus with one modality of one split corrupted, in units of its deviation over training items.

    Raises:
        UserError: unknown modality or corruption, severity out of range, or a modality of another kind.
    """
    corpus.with_modalities((modality,))
    rows = np.flatnonzero(corpus.items_in(split))
    values, present = corpus.features[modality], corpus.present[modality]
    if name == "drop-out":
        there = present.copy()
        there[rows] &= ~lost(severity, seed=seed, item=rows)
        return replace(corpus, present={**corpus.present, modality: there})
    centre, scale = _spread(values[corpus.items_in("train") & present])
    changed = np.array(values)
    changed[rows] = corrupt(
        values[rows], name, severity, seed=seed, item=rows, centre=centre, scale=scale
    )
    return replace(corpus, features={**corpus.features, modality: changed})


def augmented(
    images: Array, *, seed: int, item: Integers, share: float = 0.5, severest: int = 3
) -> Array:
    """Training images uint8 [n, height, width], the fraction `share` of them corrupted in one way each.

    The corruption and its severity (1 to `severest`) are drawn for each item; a larger share corrupts the
    same items and more. How such a model withstands these corruptions says nothing about others.
    """
    names = [name for name, corruption in CORRUPTIONS.items() if corruption.applies_to == "image"]
    draws = [generator(seed, "augmentation", int(i)).random(3) for i in item]
    whether, which, how_severe = np.reshape(draws, (len(item), 3)).T
    severity = np.where(whether < share, 1 + (how_severe * severest).astype(np.int64), 0)
    found = images.copy()
    for position, name in enumerate(names):
        rows = np.flatnonzero((which * len(names)).astype(np.int64) == position)
        found[rows] = corrupt(images[rows], name, severity[rows], seed=seed, item=item[rows])
    return found


def _on_pixels(corruption: Corruption, images: Array, amount: Floats, random: ItemRandom) -> Array:
    assert corruption.apply
    changed = corruption.apply((images / 255).astype(np.float32), amount, random)
    return np.rint(255 * np.clip(changed, 0, 1)).astype(np.uint8)


def _on_deviations(
    corruption: Corruption,
    values: Array,
    amount: Floats,
    random: ItemRandom,
    centre: Each,
    scale: Each,
) -> Array:
    assert corruption.apply
    standard = ((values - centre) / np.where(np.equal(scale, 0), 1, scale)).astype(np.float32)
    change = corruption.apply(standard, amount, random) - standard
    return (values + scale * change).astype(values.dtype)


def _spread(values: Array) -> tuple[Each, Each]:
    """Mean and standard deviation of each channel or column; 0 and 1 for images, which need neither."""
    if values.dtype.kind != "f" or not len(values):
        return 0.0, 1.0
    axes = tuple(range(values.ndim - 1))
    return values.mean(axis=axes, dtype=np.float64), values.std(axis=axes, dtype=np.float64)


def _known(name: str, severity: int | Integers) -> Corruption:
    if name not in CORRUPTIONS:
        raise UserError(f"corruption: `{name}` is unknown; use one of {', '.join(CORRUPTIONS)}")
    if not np.isin(severity, range(SEVERITIES + 1)).all():
        raise UserError(f"corruption.severity: {severity}; give 0 to {SEVERITIES}")
    return CORRUPTIONS[name]


def _ensure_suits(values: Array, name: str) -> None:
    kind = CORRUPTIONS[name].applies_to
    if kind == "any":
        raise UserError(
            f"corruption `{name}` removes whole items and changes no values; use `lost`"
        )
    image = values.dtype == np.uint8 and values.ndim == 3
    signal = values.dtype.kind == "f" and values.ndim in (2, 3)
    if not (image if kind == "image" else signal):
        wanted = {
            "image": "images uint8[height, width]",
            "signal": "signals float[time, channels] or features float[columns]",
        }
        raise UserError(
            f"corruption `{name}` is for {wanted[kind]}, not for {values.dtype}{list(values.shape[1:])}; "
            "choose another, or another modality"
        )
