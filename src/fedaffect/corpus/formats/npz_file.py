"""Arrays of an `.npz`, its declared size compared with what the file holds before anything is read."""

import zipfile
import zlib
from pathlib import Path

from fedaffect.corpus.formats import npy_file
from fedaffect.errors import UserError
from fedaffect.schema import Array

MAXIMUM_BYTES = 2**33
MAXIMUM_ARRAYS = 1000


def read(file: Path) -> dict[str, Array]:
    """Every array by its name.

    Raises:
        UserError: not an `.npz`, truncated, too large, or Python objects in it.
    """
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
