"""Where a corpus came from: the files that were read, and one hash that tells whether they changed."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from fedaffect.corpus.schema import Provenance
from fedaffect.corpus.store import sha256_of


def origin(files: Sequence[Path], reader: str) -> Provenance:
    """Provenance of a corpus made from these files.

    The hash of one file is its SHA-256; that of several is the SHA-256 of their `digest  name` lines, in
    the order of names, which is what `sha256sum` prints.
    """
    if len(files) == 1:
        return Provenance(files[0].name, sha256_of(files[0]), reader)
    ordered = sorted(files, key=lambda file: file.name)
    lines = "".join(f"{sha256_of(file)}  {file.name}\n" for file in ordered)
    names = ", ".join(file.name for file in ordered)
    return Provenance(
        f"{ordered[0].absolute().parent.name}: {names}",
        hashlib.sha256(lines.encode()).hexdigest(),
        reader,
    )
