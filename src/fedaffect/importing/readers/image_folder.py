"""Folders of images of faces: `train/happy/17.png`, a folder a split and in it one a class."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.formats.faces import USAGE, corpus_of
from fedaffect.corpus.formats.origin import origin
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.importing.options import Options
from fedaffect.importing.readers.base import Reader
from fedaffect.importing.source import Source
from fedaffect.randomness import generator
from fedaffect.schema import SPLITS

ENDINGS = (".png", ".jpg", ".jpeg")
FORMATS = ("PNG", "JPEG")
MODES = ("1", "L", "LA", "P", "RGB", "RGBA")
"""How pixels may be stored: at most eight bits each; what is wider would be cut off, not scaled."""

SPLIT_OF = {split: split for split in SPLITS} | {
    **{"training": "train", "validation": "dev", "valid": "dev", "val": "dev"},
    **{usage.lower(): split for usage, split in USAGE.items()},
}
DEV_FRACTION = 0.1
MAXIMUM_FILES = 2_000_000
MAXIMUM_FILE_BYTES = 2**24
MAXIMUM_SIDE = 1024
MAXIMUM_BYTES = 2**33


class _Picture(NamedTuple):
    file: Path
    split: str
    label: str


class ImageFolder(Reader):
    """PNG and JPEG files as grey images; classes are sorted by name. Other files are let be.

    A tenth of the training images is drawn for `dev` where there is no folder for it.
    """

    fallback = True

    def recognises(self, source: Source) -> bool:
        return any(
            SPLIT_OF.get(place.name.lower()) == "train" and place.is_dir() and any(_folders(place))
            for place in source.inside
        )

    def read(self, source: Source, options: Options) -> ConversationCorpus:
        pictures = list(_pictures(source.path))
        if not pictures:
            raise UserError(f"{source.path}: no {' or '.join(ENDINGS)} in SPLIT/CLASS folders")
        pixels = _images(pictures)
        classes = sorted({picture.label for picture in pictures})
        splits = [picture.split for picture in pictures]
        reader = "folders of images"
        if "dev" not in splits:
            train = [index for index, split in enumerate(splits) if split == "train"]
            count = round(DEV_FRACTION * len(train))
            for index in generator(options.seed, "dev split").permutation(train)[:count]:
                splits[index] = "dev"
            reader += f"; dev: {count} training images, drawn with seed {options.seed}"
        return corpus_of(
            pixels,
            np.array([classes.index(picture.label) for picture in pictures]),
            splits,
            classes=classes,
            names=[picture.file.relative_to(source.path).as_posix() for picture in pictures],
            name=source.name,
            provenance=origin([picture.file for picture in pictures], reader, source.path),
        )


def _pictures(folder: Path) -> Iterator[_Picture]:
    count = 0
    for part in _folders(folder):
        split = SPLIT_OF.get(part.name.lower())
        if split is None:
            raise UserError(
                f"{part}: not the name of a split; call it one of {', '.join(SPLIT_OF)}, or move it away"
            )
        for file in part.iterdir():
            if file.suffix.lower() in ENDINGS and file.is_file():
                raise UserError(
                    f"{file}: of no class; put it into a folder of one, or move it away"
                )
        for place in _folders(part):
            for file in sorted(place.iterdir()):
                if file.suffix.lower() not in ENDINGS or not file.is_file():
                    continue
                count += 1
                if count > MAXIMUM_FILES:
                    raise UserError(f"{folder}: more than {MAXIMUM_FILES} images; split the corpus")
                yield _Picture(file, split, place.name)


def _folders(folder: Path) -> Iterator[Path]:
    return (p for p in sorted(folder.iterdir()) if p.is_dir() and not p.name.startswith("."))


def _images(pictures: list[_Picture]) -> npt.NDArray[np.uint8]:
    """uint8 [files, height, width], all of the first one's size."""
    try:
        # Named as text because it is an extra: neither types nor imports of the base need it.
        pillow = import_module("PIL.Image")
    except ModuleNotFoundError:
        raise UserError(
            f"{pictures[0].file}: reading images needs the `images` extra (Pillow is not installed): "
            "pip install 'fedaffect[images]'"
        ) from None
    first = _grey(pillow, pictures[0].file, None)
    if first.size * len(pictures) > MAXIMUM_BYTES:
        raise UserError(
            f"{pictures[0].file}: {len(pictures)} images of {first.size} pixels; at most "
            f"{MAXIMUM_BYTES} are read; make them smaller"
        )
    found = np.empty((len(pictures), *first.shape), np.uint8)
    for index, picture in enumerate(pictures):
        found[index] = _grey(pillow, picture.file, first.shape)
    return found


def _grey(pillow: Any, file: Path, shape: tuple[int, ...] | None) -> npt.NDArray[np.uint8]:
    """uint8 [height, width]; what the file says of itself is looked at before it is decoded."""
    size = file.stat().st_size
    if size > MAXIMUM_FILE_BYTES:
        raise UserError(f"{file}: {size} bytes; images of at most {MAXIMUM_FILE_BYTES} are read")
    try:
        with pillow.open(file, formats=FORMATS) as image:
            width, height = image.size
            if max(width, height) > MAXIMUM_SIDE:
                raise UserError(
                    f"{file}: {height} × {width} pixels; at most {MAXIMUM_SIDE} a side are read"
                )
            if shape is not None and (height, width) != shape:
                raise UserError(
                    f"{file}: {height} × {width} pixels, but the first image has "
                    f"{shape[0]} × {shape[1]}; bring all to one size"
                )
            if image.mode not in MODES:
                raise UserError(
                    f"{file}: pixels of mode {image.mode}; save it with 8 bits, grey or in colours"
                )
            return np.asarray(image.convert("L"))
    except (OSError, ValueError, SyntaxError, pillow.DecompressionBombError) as error:
        raise UserError(
            f"{file}: truncated or no PNG or JPEG ({type(error).__name__}); fetch it again, or move it away"
        ) from None
