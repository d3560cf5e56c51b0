"""From a file or folder to a corpus: the reader that recognises it, and what its options become."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fedaffect import registry
from fedaffect.corpus import store
from fedaffect.corpus.check import Problem, drop_non_finite, ensure_sound, problems
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.features.body import Recording
from fedaffect.importing.options import Options, flag
from fedaffect.importing.readers.base import Reader, RecordingReader
from fedaffect.importing.source import Progress, Source

NOTHING = Options()


@dataclass(frozen=True)
class Imported:
    """What `import_corpus` made.

    Attributes:
        dropped: by modality, how many vectors with NaN or Inf were marked absent.
        warnings: what is good to know of it, as `check.problems` finds it.
    """

    corpus: ConversationCorpus
    dropped: dict[str, int]
    warnings: list[Problem]


def import_corpus(
    path: str | Path,
    out: str | Path,
    options: Options = NOTHING,
    *,
    reader: str | None = None,
    non_finite: Literal["refuse", "drop"] = "refuse",
    progress: Progress | None = None,
) -> Imported:
    """Convert a file or folder, once, into a corpus that is safe to read: `fedaffect data import`.

    Args:
        path: what to read; the reader is chosen by what it holds.
        out: the folder to make, or a corpus to replace.
        reader: a reader's name, or `package.module:Class` of one's own; default: the one that recognises it.
        non_finite: refuse vectors with NaN or Inf, or drop them as absent.
        progress: goes through the files of many recordings, and may show how far it is.

    Raises:
        UserError: as `read`; a corpus that cannot be used; or a folder that cannot be written. Then nothing
            was written.
    """
    corpus, dropped = read(path, options, reader=reader, progress=progress), dict[str, int]()
    if non_finite == "drop":
        corpus, dropped = drop_non_finite(corpus)
    ensure_sound(corpus, path)
    store.save(corpus, out)
    return Imported(corpus, dropped, problems(corpus))


def read(
    path: str | Path,
    options: Options = NOTHING,
    *,
    reader: str | None = None,
    progress: Progress | None = None,
) -> ConversationCorpus:
    """The corpus of a file or folder as it is; `check.ensure_sound` tells whether it can be used.

    Args:
        reader, progress: as for `import_corpus`.

    Raises:
        UserError: nothing there, no reader or several that recognise it, an option that means nothing to the
            reader, or what the reader refuses.
    """
    source, chosen = _opened(path, options, reader, progress)
    corpus = chosen.read(source, options)
    if options.modalities is None or "modalities" in chosen.takes:
        return corpus
    return corpus.with_modalities(tuple(options.modalities))


def recordings(
    path: str | Path, options: Options = NOTHING, *, reader: str | None = None
) -> Iterator[Recording]:
    """The recordings of body signals in a file, or one by one of all files in a folder.

    Raises:
        UserError: as `read`, or a source without recordings.
    """
    source, chosen = _opened(path, options, reader)
    if not isinstance(chosen, RecordingReader):
        raise UserError(
            f"{path}: no recording of body signals; give one, or a folder of them (docs/signals.md)"
        )
    return chosen.all_recordings(source, options)


def _opened(
    path: str | Path, options: Options, reader: str | None, progress: Progress | None = None
) -> tuple[Source, Reader]:
    """A source and its reader, which takes all options that were given."""
    source = Source(path, options.name, progress)
    if not source.path.exists():
        raise UserError(
            f"{path}: no such file; give an .npz of the neutral layout, a feature pickle or a manifest"
        )
    chosen = _recognising(source, options) if reader is None else _made(reader)
    for option in _lacking(chosen, options):
        raise UserError(f"{path}: {flag(option)}: needed by the reader `{reader}`; give it too")
    options.refuse_all_but(chosen.takes, path)
    if reader is not None and not chosen.recognises(source):
        raise UserError(f"{path}: not what the reader `{reader}` reads; leave --reader out")
    return source, chosen


def _recognising(source: Source, options: Options) -> Reader:
    """The one reader that recognises a source; a fallback only where no other does."""
    able = {
        name: made
        for name in registry.names("reader")
        if not _lacking(made := _made(name), options)
    }
    for fallback in (False, True):
        found = [n for n, r in able.items() if r.fallback is fallback and r.recognises(source)]
        if len(found) > 1:
            raise UserError(
                f"{source.path}: {' and '.join(found)} both read it; choose with --reader {found[0]}"
            )
        if found:
            return able[found[0]]
    raise UserError(
        f"{source.path}: a folder, not a corpus file; give a file, or a folder with the pickles of M3NET or "
        "MultiEMO, MELD's tables, images in train/CLASS, or recordings of body signals (docs/corpora.md)"
        if source.is_folder
        else f"{source.path}: neither an .npz of the neutral layout nor a feature pickle nor a manifest; "
        "see docs/corpora.md"
    )


def _made(name: str) -> Reader:
    kind = registry.find("reader", name)
    if not issubclass(kind, Reader):
        raise UserError(f"--reader: `{name}`: derive it from fedaffect.importing.Reader")
    return kind()


def _lacking(reader: Reader, options: Options) -> list[str]:
    return [option for option in reader.needs if getattr(options, option) is None]
