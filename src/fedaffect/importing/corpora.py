"""Corpora in the formats of the field; the reader is chosen by what a file holds, not by its name."""

from collections.abc import Sequence
from pathlib import Path

from fedaffect.corpus.formats import npz_file, tables, unpickler
from fedaffect.corpus.formats.feature_files import MAXIMUM_TOGETHER, MULTIEMO, Loaded
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.importing.readers import (
    conversation_pickle,
    fer2013_csv,
    fer2013_npz,
    image_folder,
    manifest,
    meld,
    mmsa,
    neutral,
    window_table,
)
from fedaffect.importing.readers.window_table import Columns

_ZIP = b"PK\x03\x04"
_PICKLE = b"\x80"
# The instructions that a pickle of protocol 0 or 1 can begin with: a mark, or an empty container.
_OLD_PICKLE = (b"(", b"]", b")", b"}")
_TABLE = (b"{", tables.PARQUET)
_ENDINGS = (".pkl", ".pickle")


def read(
    path: str | Path,
    *,
    modalities: Sequence[str] | None = None,
    name: str | None = None,
    seed: int = 0,
    family: str | None = None,
    votes: bool = False,
) -> ConversationCorpus:
    """Read a corpus file, or the folder of one that has several, as it is.

    `check.ensure_sound` tells whether it can be used.

    Args:
        modalities: which ones to keep; None = all.
        name: the corpus's name; default: the file's name without its ending, or the folder's.
        seed: decides the development split of a file that has none.
        family: for a feature pickle with unusual widths, its layout (`families.FAMILIES`).
        votes: for FER2013, labels by the votes of FER+, and the votes beside them.

    Raises:
        UserError: missing, empty, of an unknown format, damaged, or refused.
    """
    place = Path(path)
    folder = place if place.is_dir() else _folder_of(place)
    title = name or (folder.absolute().name if folder else _title(place))
    corpus = (
        _read_folder(folder, title, seed, family)
        if folder
        else _read_file(place, title, seed, family, votes)
    )
    if votes and corpus.votes is None:
        raise UserError(
            f"--votes: only for FER2013 with the votes of FER+, and {place} is not that"
        )
    return corpus if modalities is None else corpus.with_modalities(tuple(modalities))


def is_layout(folder: Path) -> bool:
    """Whether a folder holds the files of a corpus (not whether they are sound)."""
    has_tables = any((folder / file).exists() for file in meld.FILES.values())
    return has_tables or bool(_pickles(folder)) or image_folder.is_layout(folder)


def read_windows(
    path: str | Path, columns: Columns, *, name: str | None = None
) -> ConversationCorpus:
    """Read a table of windows of body signals, whose columns only a person can name.

    Raises:
        UserError: no table, or as `window_table.read`.
    """
    file = Path(path)
    if not file.is_file() or not _is_table(tables.head(file, 4096)):
        raise UserError(f"{file}: no table (CSV, JSONL, Parquet), so no column of it can be named")
    return window_table.read(file, columns, name=name or _title(file))


def _folder_of(file: Path) -> Path | None:
    """The folder of a file that is read only together with those beside it."""
    if file.name in meld.FILES.values():
        return file.parent
    whole = all((file.parent / name).is_file() for name in MULTIEMO)
    return file.parent if file.name in MULTIEMO and whole else None


def _read_folder(folder: Path, name: str, seed: int, family: str | None) -> ConversationCorpus:
    has_tables = any((folder / file).exists() for file in meld.FILES.values())
    pickles = _pickles(folder)
    if not pickles and not has_tables:
        if image_folder.is_layout(folder):
            _ensure_no_family(folder, family)
            return image_folder.read(folder, name=name, seed=seed)
        raise UserError(
            f"{folder}: a folder, not a corpus file; give a file, or a folder with the pickles of M3NET or "
            "MultiEMO, with MELD's tables, or with images in train/CLASS (docs/corpora.md)"
        )
    named = {file.name for file in pickles}
    if "dataset.pkl" in named and "trainID.pkl" in named:
        raise UserError(
            f"{folder}: dataset.pkl: the files of CMN and ICON are not read; import DialogueRNN's "
            "IEMOCAP_features_raw.pkl, which holds the same utterances"
        )
    if set(MULTIEMO) <= named:
        pickles = [file for file in pickles if file.name in MULTIEMO]
    elif len(pickles) > MAXIMUM_TOGETHER:
        raise UserError(
            f"{folder}: {len(pickles)} pickles ({', '.join(sorted(named))[:200]}); give the one to read, "
            "or a folder with the files of one corpus (M3NET's two, MultiEMO's four)"
        )
    loaded: list[Loaded] = [(file, unpickler.load(file)) for file in pickles]
    if has_tables:
        return meld.read(folder, loaded, name=name, seed=seed, family=family)
    return conversation_pickle.read(loaded, name=name, seed=seed, family=family)


def _pickles(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in _ENDINGS and path.is_file())


def _read_file(
    file: Path, name: str, seed: int, family: str | None, votes: bool
) -> ConversationCorpus:
    if not file.is_file():
        raise UserError(
            f"{file}: no such file; give an .npz of the neutral layout, a feature pickle or a manifest"
        )
    with file.open("rb") as stream:
        head = stream.read(4096)
    if head.startswith((_PICKLE, *_OLD_PICKLE)):
        content = unpickler.load(file)
        if mmsa.is_mmsa(content):
            _ensure_no_family(file, family)
            return mmsa.read(file, content, name=name)
        return conversation_pickle.read([(file, content)], name=name, seed=seed, family=family)
    _ensure_no_family(file, family)
    if head.startswith(_ZIP):
        arrays = npz_file.read(file)
        if fer2013_npz.is_fer2013(arrays):
            return fer2013_npz.read(file, arrays, name=name, votes=votes)
        return neutral.read(file, arrays, name=name)
    start = tables.head(file, 4096)
    if fer2013_csv.is_fer2013(start):
        return fer2013_csv.read(file, name=name, votes=votes)
    if _is_table(start):
        return manifest.read(file, name=name)
    raise UserError(
        f"{file}: neither an .npz of the neutral layout nor a feature pickle nor a manifest; "
        "see docs/corpora.md"
    )


def _title(file: Path) -> str:
    """What a corpus is called after a file."""
    return Path(file.name.removesuffix(".gz")).stem


def _is_table(head: bytes) -> bool:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(_TABLE) or _is_csv(head)


def _is_csv(head: bytes) -> bool:
    """A first line of text in cells; what it says is for the reader to judge."""
    try:
        line = head.partition(b"\n")[0].decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return line.rstrip("\r").replace("\t", " ").isprintable() and any(
        delimiter in line for delimiter in tables.DELIMITERS
    )


def _ensure_no_family(file: Path, family: str | None) -> None:
    if family is not None:
        raise UserError(f"--family {family}: only for feature pickles, and {file} is none")
