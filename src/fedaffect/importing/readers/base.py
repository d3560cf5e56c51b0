"""What a reader is: of corpora, and of recordings of body signals."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from fedaffect.corpus.pairing import split_by_person
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.features.body import Recording, Windows, body_corpus
from fedaffect.importing.options import Options
from fedaffect.importing.source import PICKLES, Source

DEEPEST = 3
"""How many folders below the one that was given recordings are looked for."""

_RECORDINGS = ((*PICKLES, ".dat"), (".mat",))


class Reader(ABC):
    """Reads one format. It is made anew for each import, without arguments.

    Attributes:
        takes: the options that mean something to it beside `name`, `modalities` and `seed`; the others are
            refused. With `modalities` among them it reads only those; else all, and they are picked after.
        needs: those without which it reads nothing; it is not asked where one was not given.
        fallback: it recognises what many formats begin like (every table, every zip), so it is asked only
            where no other reader recognises the source.
    """

    takes: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[str, ...]] = ()
    fallback: ClassVar[bool] = False

    @abstractmethod
    def recognises(self, source: Source) -> bool:
        """Whether this is the reader's format, by what the source holds, never by its name alone."""

    @abstractmethod
    def read(self, source: Source, options: Options) -> ConversationCorpus:
        """The corpus of a source that it recognises, called `source.name`.

        `check.problems` tells afterwards whether it can be used.

        Raises:
            UserError: damaged, out of bounds or not laid out so; one line that names file, field and cure.
        """


class RecordingReader(Reader):
    """Reads recordings of body signals, of which windows and their features become the corpus.

    Of a folder all files are read that may be recordings: those with its own `endings`, or else its pickles,
    or else its .mat files, or else its zips and its subfolders, in the order of names with numbers by value.
    The first one decides whose format it is, and one that is of another format is refused by name.
    """

    takes: ClassVar[tuple[str, ...]] = (
        *("modalities", "window", "step", "baseline", "features"),
        *("classes", "dev", "test"),
    )
    endings: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def holds(self, source: Source) -> bool:
        """Whether a file, or a folder that is a single recording, is of this format, by its first bytes."""

    @abstractmethod
    def recordings(self, source: Source, options: Options) -> Iterator[Recording]:
        """The recordings of what `holds`.

        Raises:
            UserError: as `read`.
        """

    def recognises(self, source: Source) -> bool:
        first = next(self._places(source, DEEPEST), None)
        return first is not None and self.holds(first)

    def read(self, source: Source, options: Options) -> ConversationCorpus:
        windows = Windows(
            seconds=30.0 if options.window is None else options.window,
            step=options.step,
            kind=options.features or "sensor",
            baseline_minutes=options.baseline or 0.0,
            sensors=None if options.modalities is None else tuple(options.modalities),
        )
        recordings = self.all_recordings(source, options)
        corpus = body_corpus(recordings, windows, name=source.name, classes=options.classes)
        return split_by_person(corpus, dev=options.dev, test=options.test, seed=options.seed)

    def all_recordings(self, source: Source, options: Options) -> Iterator[Recording]:
        """Those of a file, or one by one of all files in a folder, none of which is held for long."""
        if not source.is_folder:
            yield from self.recordings(source, options)
            return
        for path in source.progress([place.path for place in self._places(source, DEEPEST)]):
            place = Source(path)
            if not self.holds(place):
                raise UserError(
                    f"{path}: not of the format of the first recording; fetch it again, or move it away"
                )
            yield from self.recordings(place, options)

    def _places(self, source: Source, depth: int) -> Iterator[Source]:
        """Files, and folders that are a recording, at or below a source."""
        if not source.is_folder or self.holds(source):
            yield source
            return
        for endings in (self.endings, *_RECORDINGS):
            files = [p for p in source.inside if p.suffix in endings and p.is_file()]
            if files:
                yield from map(Source, sorted(files, key=_by_number))
                return
        zips = [p for p in source.inside if p.suffix == ".zip" and not p.with_suffix("").is_dir()]
        below = [*map(Source, zips), *source.folders]
        for place in sorted(below, key=lambda place: _by_number(place.path)):
            if depth or not place.is_folder:
                yield from self._places(place, depth - 1)


def _by_number(path: Path) -> list[tuple[bool, int, str]]:
    """S2 before S10."""
    parts = re.split(r"(\d{1,9})", path.name)
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]
