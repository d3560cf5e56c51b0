"""The fields of one feature file, or of several that belong together, by name and by where they came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

from fedaffect.corpus.formats.families import IGNORED
from fedaffect.corpus.formats.recognition import Recognition, recognise
from fedaffect.errors import UserError

MULTIEMO = ("Speakers.pkl", "TextFeatures.pkl", "AudioFeatures.pkl", "VisualFeatures.pkl")
"""MultiEMO's four files, in order. Three hold only vectors by dialogue: their names tell which is which."""

MAXIMUM_TOGETHER = 2
"""How many pickles of a folder are tried in every order."""

Loaded = tuple[Path, object]
"""A file and what `unpickler.load` found in it."""


@dataclass(frozen=True)
class Fields:
    """What is read of a family: the values of each field, and its file."""

    recognition: Recognition
    values: Mapping[str, Any]
    files: Mapping[str, Path]

    def file(self, field: str) -> Path:
        """The file that an error about this field shall name."""
        return self.files.get(field, next(iter(self.files.values())))


def gather(loaded: Sequence[Loaded], family: str | None = None) -> Fields:
    """The fields of these files: MultiEMO's four, one, or two in whichever order makes a family.

    Raises:
        UserError: no family fits.
    """
    by_name = {file.name: (file, content) for file, content in loaded}
    if set(MULTIEMO) <= set(by_name):
        speakers, *streams = (by_name[name] for name in MULTIEMO)
        # A dictionary is one field.
        return _fields([speakers, *((file, [value]) for file, value in streams)], family)
    errors = []
    for order in permutations(loaded):
        try:
            return _fields(order, family)
        except UserError as error:
            errors.append(error)
    raise errors[0]


def _fields(loaded: Sequence[Loaded], family: str | None) -> Fields:
    """The files' fields counted through, the first file's first."""
    content: list[Any] = []
    homes: list[Path] = []
    for file, part in loaded:
        if not isinstance(part, list | tuple):
            raise UserError(
                f"{file}: holds a {type(part).__name__}, not the list of fields of a feature file; "
                "if its corpus has several files, give their folder"
            )
        content += part
        homes += [file] * len(part)
    found = recognise(loaded[0][0], content, family, files=len(loaded))
    names = found.family.fields
    values = dict(zip(names, content, strict=False))
    files = dict(zip(names, homes, strict=False))
    values.pop(IGNORED, None)
    return Fields(found, values, files)
