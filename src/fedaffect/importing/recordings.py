"""Recordings of body signals in the formats of the field; what a file holds decides which reader it gets."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from fedaffect.corpus.formats import mat_file, unpickler
from fedaffect.errors import UserError
from fedaffect.features.body.recording import Recording
from fedaffect.importing.ratings import Rated
from fedaffect.importing.readers import amigos, deap, e4, wesad

DEEPEST = 3
_PICKLES, _MATLAB, _ZIPS = (".pkl", ".pickle", ".dat"), (".mat",), (".zip",)


def read(path: str | Path, *, classes: Rated = "nine") -> Iterator[Recording]:
    """The recordings of a file, or one by one of all `places` in a folder.

    Args:
        classes: what ratings of valence and arousal become, in DEAP and AMIGOS.

    Raises:
        UserError: nothing to read, or what a reader refuses.
    """
    for place in places(path):
        yield from read_place(place, classes)


def places(path: str | Path) -> list[Path]:
    """The files and E4 folders that are read of a file or a folder.

    A folder with E4 tables is one recording. Of others the pickles are read, or else the .mat files, or else
    the zips, or else the subfolders, in the order of names with numbers by value: WESAD's own folder, DEAP's
    `data_preprocessed_python`, AMIGOS's `Data_Preprocessed`, a folder of E4 exports.

    Raises:
        UserError: there is none.
    """
    found = [*_places(Path(path), DEEPEST)]
    if not found:
        raise UserError(
            f"{path}: no recording; give a WESAD or DEAP pickle, an AMIGOS .mat file, an Empatica E4 "
            "export, or a folder of them (docs/signals.md)"
        )
    return found


def are_recordings(path: str | Path) -> bool:
    """Whether the first of the `places` looks like a recording, by its first bytes or the tables in it."""
    place = next(_places(Path(path), DEEPEST), None)
    if place is None:
        return False
    if place.is_dir() or zipfile.is_zipfile(place):
        return e4.is_export(place)
    head = _head(place)
    return head == mat_file.HEAD or unpickler.first_key(place) in (*wesad.FIELDS, *deap.FIELDS)


def _places(place: Path, depth: int) -> Iterator[Path]:
    """Files and E4 folders at or below a place."""
    if not place.is_dir():
        if place.exists():
            yield place
        return
    if e4.is_export(place):
        yield place
        return
    inside = sorted(place.iterdir(), key=_by_number)
    for endings in (_PICKLES, _MATLAB, _ZIPS):
        files = [p for p in inside if p.suffix in endings and p.is_file()]
        if files:
            yield from files
            return
    if depth:
        for folder in inside:
            if folder.is_dir():
                yield from _places(folder, depth - 1)


def _by_number(path: Path) -> list[tuple[bool, int, str]]:
    """S2 before S10."""
    parts = re.split(r"(\d{1,9})", path.name)
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def read_place(place: Path, classes: Rated) -> Iterator[Recording]:
    """The recordings of one of the `places`.

    Raises:
        UserError: what a reader refuses.
    """
    if place.is_dir() or zipfile.is_zipfile(place):
        yield e4.read(place)
        return
    if _head(place) == mat_file.HEAD:
        yield from amigos.read(place, classes)
        return
    content = unpickler.load(place)
    if wesad.is_wesad(content):
        yield wesad.read(place, content)
    elif deap.is_deap(content):
        yield from deap.read(place, content, classes)
    else:
        raise UserError(f"{place}: a pickle of neither WESAD nor DEAP; see docs/signals.md")


def _head(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(len(mat_file.HEAD))
