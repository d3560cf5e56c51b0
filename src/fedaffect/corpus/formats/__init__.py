"""Corpora in the formats of the field; the reader is chosen by what a file holds, not by its name."""

from collections.abc import Sequence
from pathlib import Path

from fedaffect.corpus.formats import conversation_pickle, neutral
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.corpus.store import sha256_of
from fedaffect.errors import UserError

_ZIP = b"PK\x03\x04"
_PICKLE = b"\x80"
# The instructions that a pickle of protocol 0 or 1 can begin with: a mark, or an empty container.
_OLD_PICKLE = (b"(", b"]", b")", b"}")


def read(
    path: str | Path,
    *,
    modalities: Sequence[str] | None = None,
    name: str | None = None,
    seed: int = 0,
    family: str | None = None,
) -> ConversationCorpus:
    """Read a corpus file as it is; `check.ensure_sound` tells whether it can be used.

    Args:
        modalities: which ones to keep; None = all.
        name: the corpus's name; default: the file's name without its ending.
        seed: decides the development split of a file that has none.
        family: for a feature pickle with unusual widths, its layout (`families.FAMILIES`).

    Raises:
        UserError: missing, empty, of an unknown format, damaged, or refused.
    """
    file = Path(path)
    if not file.is_file():
        what = "a folder, not a corpus file" if file.is_dir() else "no such file"
        raise UserError(f"{file}: {what}; give an .npz of the neutral layout or a feature pickle")
    with file.open("rb") as stream:
        head = stream.read(4)
    is_archive = head == _ZIP
    if not is_archive and not head.startswith((_PICKLE, *_OLD_PICKLE)):
        raise UserError(
            f"{file}: neither an .npz of the neutral layout nor a feature pickle; "
            "see docs/neutral-layout.md"
        )
    if family is not None and is_archive:
        raise UserError(f"--family {family}: only for feature pickles, and {file} is an .npz")
    name, sha256 = name or file.stem, sha256_of(file)
    corpus = (
        neutral.read(file, name=name, sha256=sha256)
        if is_archive
        else conversation_pickle.read(file, name=name, sha256=sha256, seed=seed, family=family)
    )
    return corpus if modalities is None else corpus.with_modalities(tuple(modalities))
