"""What `fedaffect data` is pointed at becomes a corpus, by the reader that goes with it and its options."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fedaffect.cli.import_options import Described, Rated
from fedaffect.errors import UserError

if TYPE_CHECKING:
    from fedaffect.corpus import ConversationCorpus
    from fedaffect.features.body import Recording


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was said of a file beside its name; None = nothing, as it must be for files of another kind."""

    family: str | None = None
    votes: bool | None = None

    window: float | None = None
    step: float | None = None
    baseline: float | None = None
    features: Described | None = None
    ratings: Rated | None = None

    person: str | None = None
    label: str | None = None
    leave_out: str | None = None

    classes: str | None = None
    dev: int | None = None
    test: int | None = None

    def refuse(self, names: Sequence[str], where: str) -> None:
        for name in names:
            if getattr(self, name) is not None:
                raise UserError(f"--{name.replace('_', '-')}: only for {where}; leave it out here")


OF_OTHERS = ("family", "votes")
OF_RECORDINGS = ("window", "step", "baseline", "features", "ratings")
OF_TABLES = ("person", "label", "leave_out")
OF_BODIES = ("classes", "dev", "test")


def read(
    file: Path,
    options: Options,
    *,
    modalities: tuple[str, ...] | None = None,
    name: str | None = None,
    seed: int = 0,
) -> "ConversationCorpus":
    """The corpus of a file or folder. A table is one of windows where its column of persons is named.

    Raises:
        UserError: what a reader refuses, or an option for files of another kind.
    """
    from fedaffect.corpus.pairing import split_by_person
    from fedaffect.importing.recordings import are_recordings

    if options.person is None and not are_recordings(file):
        return _others(file, options, modalities, name, seed)
    options.refuse(OF_OTHERS, "feature pickles and faces")
    bodies = _recordings if options.person is None else _table
    corpus = bodies(file, options, modalities, name)
    return split_by_person(corpus, dev=options.dev, test=options.test, seed=seed)


def is_stored(folder: Path) -> bool:
    """Whether a place can only be an imported corpus (not whether it is a sound one)."""
    from fedaffect.importing import corpora as formats
    from fedaffect.importing.recordings import are_recordings

    return folder.is_dir() and not formats.is_layout(folder) and not are_recordings(folder)


def listed(text: str | None) -> tuple[str, ...] | None:
    """`a, b` → (a, b)."""
    return None if text is None else tuple(part.strip() for part in text.split(","))


def _others(
    file: Path, options: Options, modalities: tuple[str, ...] | None, name: str | None, seed: int
) -> "ConversationCorpus":
    from fedaffect.importing import corpora as formats

    options.refuse(OF_RECORDINGS, "recordings of body signals")
    options.refuse(OF_TABLES, "tables of windows, with --person")
    options.refuse(OF_BODIES, "body signals")
    return formats.read(
        file,
        modalities=modalities,
        name=name,
        seed=seed,
        family=options.family,
        votes=bool(options.votes),
    )


def _table(
    file: Path, options: Options, modalities: tuple[str, ...] | None, name: str | None
) -> "ConversationCorpus":
    from fedaffect.importing import corpora as formats
    from fedaffect.importing.readers.window_table import Columns

    options.refuse(OF_RECORDINGS, "recordings of body signals")
    assert options.person is not None
    columns = Columns(
        options.person,
        options.label or "label",
        modalities,
        listed(options.leave_out) or (),
        listed(options.classes),
    )
    return formats.read_windows(file, columns, name=name)


def _recordings(
    file: Path, options: Options, modalities: tuple[str, ...] | None, name: str | None
) -> "ConversationCorpus":
    from fedaffect.features.body import Windows, body_corpus

    options.refuse(OF_TABLES, "tables of windows")
    windows = Windows(
        seconds=30.0 if options.window is None else options.window,
        step=options.step,
        kind=(options.features or Described.sensor).value,
        baseline_minutes=options.baseline or 0.0,
        sensors=modalities,
    )
    return body_corpus(
        _each(file, options.ratings or Rated.nine),
        windows,
        name=name or file.absolute().stem,
        classes=listed(options.classes),
    )


def _each(file: Path, ratings: Rated) -> "Iterator[Recording]":
    """Recordings one by one; on a terminal it shows how many files have been read."""
    from rich.console import Console
    from rich.progress import track

    from fedaffect.importing.recordings import places, read_place

    console = Console(stderr=True)
    found = places(file)
    quiet = not console.is_terminal
    for place in track(found, "reading", console=console, disable=quiet, transient=True):
        yield from read_place(place, ratings.value)
