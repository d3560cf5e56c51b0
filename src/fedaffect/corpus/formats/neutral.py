"""The neutral layout: one `.npz` of flat arrays, a row an utterance. See docs/neutral-layout.md."""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fedaffect.corpus.formats import npy_file
from fedaffect.corpus.formats.assemble import COLUMNS, NAMES, REQUIRED, VOTES, assemble
from fedaffect.corpus.formats.origin import origin
from fedaffect.corpus.schema import Array, ConversationCorpus
from fedaffect.errors import UserError

MAXIMUM_BYTES = 2**33
MAXIMUM_ARRAYS = 1000
_PRESENT = "_present"
_TIMES = "start_end"


def read(file: Path, *, name: str) -> ConversationCorpus:
    """Read a file of the neutral layout; features keep their dtype.

    Raises:
        UserError: not an `.npz`, truncated, too large, or not of this layout. What can be said only of
            a whole corpus (labels out of range, overlapping splits …) is left to `check.problems`.
    """
    arrays = _arrays(file)
    features = {k: a for k, a in arrays.items() if _is_modality(k, a)}
    present = {k: arrays[k + _PRESENT] for k in features if k + _PRESENT in arrays}
    provenance = origin([file], _description(arrays, features))
    return assemble(file, arrays, features, present, name=name, provenance=provenance)


def _arrays(file: Path) -> dict[str, Array]:
    """Every array of the `.npz`, its declared size compared with what the file holds before reading."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            size = sum(member.file_size for member in members)
            if size > MAXIMUM_BYTES or len(members) > MAXIMUM_ARRAYS:
                raise UserError(
                    f"{file}: {len(members)} arrays of {size} bytes; "
                    f"at most {MAXIMUM_ARRAYS} of {MAXIMUM_BYTES} are read"
                )
            return {m.filename.removesuffix(".npy"): _array(file, archive, m) for m in members}
    except (zipfile.BadZipFile, zlib.error, KeyError, *npy_file.DAMAGED) as error:
        raise UserError(
            f"{file}: truncated or damaged .npz ({type(error).__name__}); fetch the file again"
        ) from None


def _array(file: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    where = f"{file}: {member.filename}"
    return npy_file.read(lambda: archive.open(member), member.file_size, where)


def _is_modality(key: str, array: Array) -> bool:
    """Floats with a width, or pictures of bytes; integer columns beside them are no modality."""
    if key in (*REQUIRED, *NAMES, *COLUMNS, VOTES, _TIMES):
        return False
    return (array.dtype.kind == "f" and array.ndim >= 2) or (
        array.dtype == np.uint8 and array.ndim >= 3
    )


def _description(arrays: Mapping[str, Array], features: Mapping[str, Array]) -> str:
    used = {*REQUIRED, *NAMES, *COLUMNS, VOTES, *features, *(k + _PRESENT for k in features)}
    unused = sorted(set(arrays) - used)
    return "neutral layout" + (f"; not read: {', '.join(unused)}" if unused else "")
