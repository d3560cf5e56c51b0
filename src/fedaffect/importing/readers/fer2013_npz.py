"""FER2013, and the votes of FER+, as one `.npz`.

`pixels`, uint8 [faces, height, width], or `delta`, their differences along both axes modulo 256, which
compress better; `labels` and `split`, integers [faces], named by `classes` and `split_names`; and, if there,
`ferplus_votes`, uint8 [faces, tags], named by `ferplus_classes`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fedaffect.corpus.formats.assemble import kind, texts, within
from fedaffect.corpus.formats.faces import FER2013, TAGS, USAGE, fer2013
from fedaffect.corpus.formats.origin import origin
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.importing.options import Options
from fedaffect.importing.readers.base import Reader
from fedaffect.importing.source import Source
from fedaffect.schema import Array, Integers

REQUIRED = ("labels", "split", "classes", "split_names")
IMAGES = ("pixels", "delta")


class Fer2013Npz(Reader):
    """An `.npz` with these arrays; `Training` becomes train, `PublicTest` dev, `PrivateTest` test."""

    takes = ("votes",)

    def recognises(self, source: Source) -> bool:
        names = {name.removesuffix(".npy") for name in source.members}
        return {*REQUIRED} <= names and not names.isdisjoint(IMAGES)

    def read(self, source: Source, options: Options) -> ConversationCorpus:
        file, arrays = source.path, source.arrays
        pixels = _images(file, arrays)
        faces = len(pixels)
        classes, parts = (texts(file, arrays[key], key) for key in ("classes", "split_names"))
        label = _numbers(file, arrays, "labels", faces, classes)
        part = _numbers(file, arrays, "split", faces, parts)
        for key, names, known in (("classes", classes, FER2013), ("split_names", parts, USAGE)):
            for name in names:
                if name not in known:
                    raise UserError(f"{file}: {key}: {name!r}; use {', '.join(known)}")
        # Its order of classes may be another one than that of fer2013.csv.
        place = np.array([FER2013.index(name) for name in classes])
        return fer2013(
            pixels,
            place[label],
            [USAGE[parts[number]] for number in part],
            _ticks(file, arrays, faces) if options.votes else None,
            name=source.name,
            provenance=origin([file], "FER2013 in an .npz"),
        )


def _images(file: Path, arrays: Mapping[str, Array]) -> Array:
    key = next(name for name in IMAGES if name in arrays)
    array = arrays[key]
    if array.dtype != np.uint8 or array.ndim != 3:
        raise UserError(f"{file}: {key}: {kind(array)} instead of uint8 [faces, height, width]")
    if key == "pixels":
        return array
    rows = np.cumsum(array, axis=1, dtype=np.uint8)
    return np.cumsum(rows, axis=2, dtype=np.uint8)


def _numbers(
    file: Path, arrays: Mapping[str, Array], key: str, faces: int, names: Sequence[str]
) -> Integers:
    array = arrays[key]
    if array.dtype.kind not in "iu" or array.shape != (faces,):
        raise UserError(f"{file}: {key}: {kind(array)} instead of integers [{faces}]")
    return within(file, array.astype(np.int64), key, names)


def _ticks(file: Path, arrays: Mapping[str, Array], faces: int) -> Array:
    for key in ("ferplus_votes", "ferplus_classes"):
        if key not in arrays:
            raise UserError(f"{file}: {key}: missing; leave --votes out")
    tags = texts(file, arrays["ferplus_classes"], "ferplus_classes")
    if sorted(tags) != sorted(TAGS):
        raise UserError(f"{file}: ferplus_classes: not {', '.join(TAGS)}")
    array = arrays["ferplus_votes"]
    if array.dtype != np.uint8 or array.shape != (faces, len(tags)):
        raise UserError(
            f"{file}: ferplus_votes: {kind(array)} instead of uint8 [{faces}, {len(tags)}]"
        )
    return array[:, [tags.index(tag) for tag in TAGS]]
