"""Provenance of a corpus: its source files and one hash to detect changes."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from fedaffect.corpus.schema import Provenance
from fedaffect.corpus.store import sha256_of


def origin(files: Sequence[Path], reader: str, folder: Path | None = None) -> Provenance:
    """Provenance of a corpus made from these files.

    The hash of one file is its SHA-256; that of several is the SHA-256 of their `digest  name` lines, in
    the order of names, which is what `sha256sum` prints.

    Args:
        folder: below which they lie, where they are many; their names are the paths from there.
    """
    if len(files) == 1 and folder is None:
        return Provenance(files[0].name, sha256_of(files[0]), reader)
    named = [(f.relative_to(folder).as_posix() if folder else f.name, f) for f in files]
    named.sort(key=lambda pair: pair[0])
    lines = "".join(f"{sha256_of(file)}  {name}\n" for name, file in named)
    place = folder or files[0].parent
    listed = f"{len(named)} files" if folder else ", ".join(name for name, _ in named)
    return Provenance(
        f"{place.absolute().name}: {listed}", hashlib.sha256(lines.encode()).hexdigest(), reader
    )
