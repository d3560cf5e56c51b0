"""FER2013, and the votes of FER+, as one `.npz`.

`pixels`, uint8 [faces, height, width], or `delta`, their differences along both axes modulo 256, which
compress better; `labels` and `split`, integers [faces], named by `classes` and `split_names`; and, if there,
`ferplus_votes`, uint8 [faces, tags], named by `ferplus_classes`.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fedaffect.corpus.formats import ferplus
from fedaffect.corpus.formats.assemble import kind
from fedaffect.corpus.formats.faces import FER2013, USAGE
from fedaffect.corpus.formats.ferplus import fer2013
from fedaffect.corpus.formats.origin import origin
from fedaffect.corpus.schema import Array, ConversationCorpus
from fedaffect.errors import UserError

REQUIRED = ("labels", "split", "classes", "split_names")
IMAGES = ("pixels", "delta")


def is_fer2013(arrays: Mapping[str, Array]) -> bool:
    """Whether these are the arrays of such a file."""
    return {*REQUIRED} <= {*arrays} and any(name in arrays for name in IMAGES)


def read(
    file: Path, arrays: Mapping[str, Array], *, name: str, votes: bool = False
) -> ConversationCorpus:
    """The corpus of these arrays; `Training` becomes train, `PublicTest` dev, `PrivateTest` test.

    Args:
        votes: labels and votes of FER+.

    Raises:
        UserError: an array of another kind or length, a number out of range, or no votes where they are
            asked for.
    """
    pixels = _images(file, arrays)
    faces = len(pixels)
    classes, parts = (_names(file, arrays, key) for key in ("classes", "split_names"))
    label = _numbers(file, arrays, "labels", faces, len(classes))
    part = _numbers(file, arrays, "split", faces, len(parts))
    unknown = sorted({*parts} - {*USAGE})
    if unknown:
        raise UserError(f"{file}: split_names: {unknown[0]!r}; use {', '.join(USAGE)}")
    # Its order of classes may be another one than that of fer2013.csv.
    known = np.array([_place(file, name) for name in classes])
    return fer2013(
        pixels,
        known[label],
        [USAGE[parts[number]] for number in part],
        _ticks(file, arrays, faces) if votes else None,
        name=name,
        provenance=origin([file], "FER2013 in an .npz"),
    )


def _place(file: Path, name: str) -> int:
    if name not in FER2013:
        raise UserError(f"{file}: classes: {name!r}; use {', '.join(FER2013)}")
    return FER2013.index(name)


def _images(file: Path, arrays: Mapping[str, Array]) -> Array:
    key = next(name for name in IMAGES if name in arrays)
    array = arrays[key]
    if array.dtype != np.uint8 or array.ndim != 3:
        raise UserError(f"{file}: {key}: {kind(array)} instead of uint8 [faces, height, width]")
    if key == "pixels":
        return array
    rows = np.cumsum(array, axis=1, dtype=np.uint8)
    return np.cumsum(rows, axis=2, dtype=np.uint8)


def _names(file: Path, arrays: Mapping[str, Array], key: str) -> list[str]:
    if arrays[key].dtype.kind != "U" or arrays[key].ndim != 1:
        raise UserError(f"{file}: {key}: {kind(arrays[key])} instead of strings")
    return [str(name) for name in arrays[key]]


def _numbers(file: Path, arrays: Mapping[str, Array], key: str, faces: int, below: int) -> Array:
    array = arrays[key]
    if array.dtype.kind not in "iu" or array.shape != (faces,):
        raise UserError(f"{file}: {key}: {kind(array)} instead of integers [{faces}]")
    wrong = (array < 0) | (array >= below)
    if wrong.any():
        row = int(wrong.argmax())
        raise UserError(f"{file}: {key}: row {row} is {array[row]}, but {below} are named")
    return array.astype(np.int64)


def _ticks(file: Path, arrays: Mapping[str, Array], faces: int) -> Array:
    for key in ("ferplus_votes", "ferplus_classes"):
        if key not in arrays:
            raise UserError(f"{file}: {key}: missing; leave --votes out")
    tags = _names(file, arrays, "ferplus_classes")
    if sorted(tags) != sorted(ferplus.TAGS):
        raise UserError(f"{file}: ferplus_classes: not {', '.join(ferplus.TAGS)}")
    array = arrays["ferplus_votes"]
    if array.dtype != np.uint8 or array.shape != (faces, len(tags)):
        raise UserError(
            f"{file}: ferplus_votes: {kind(array)} instead of uint8 [{faces}, {len(tags)}]"
        )
    return array[:, [tags.index(tag) for tag in ferplus.TAGS]]
