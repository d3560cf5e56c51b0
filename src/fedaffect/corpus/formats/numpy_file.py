"""Safe reading of .npy and .npz: declared sizes are checked against actual sizes before loading."""

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from fedaffect.errors import UserError
from fedaffect.schema import Array

MAXIMUM_BYTES = 2**33
MAXIMUM_ARRAYS = 1000
MAXIMUM_VECTOR_BYTES = 2**24
# What numpy, and a zip archive around it, raise for bytes that are no such file. A deeply nested header is a
# MemoryError of Python's parser; sizes are compared before anything large is reserved.
DAMAGED = (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, MemoryError)


def read(open_stream: Callable[[], IO[bytes]], size: int, where: str) -> Array:
    """The array of a stream of `size` bytes, in the machine's byte order.

    Args:
        open_stream: opens it afresh; called twice, so that nothing is reserved before it was looked at.

    Raises:
        UserError: Python objects in it, or more or fewer bytes than it declares.
        one of `DAMAGED`: not in numpy's format.
    """
    with open_stream() as stream:
        version = npy.read_magic(stream)
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = header(stream)
        if dtype.hasobject:
            raise UserError(f"{where}: Python objects; store numbers or strings")
        if stream.tell() + dtype.itemsize * int(np.prod(shape, dtype=object)) != size:
            raise UserError(f"{where}: its size is not the one it declares")
    with open_stream() as stream:
        array: Array = npy.read_array(stream, allow_pickle=False)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def read_vector(file: Path, where: str) -> Array:
    """The numbers of an `.npy` file: [width], of any real dtype.

    Args:
        where: what the error shall name: the table, the row and the field that ask for this file.

    Raises:
        UserError: no such file, too large, damaged, or anything but one vector of numbers.
    """
    if not file.is_file():
        raise UserError(f"{where}: {file}: no such file; give a path from the folder of the table")
    size = file.stat().st_size
    if size > MAXIMUM_VECTOR_BYTES:
        raise UserError(f"{where}: {file}: {size} bytes; at most {MAXIMUM_VECTOR_BYTES} are read")
    try:
        array = read(lambda: file.open("rb"), size, f"{where}: {file}")
    except DAMAGED as error:
        raise UserError(
            f"{where}: {file}: truncated or no .npy file ({type(error).__name__}); save it with numpy.save"
        ) from None
    if array.ndim != 1 or array.dtype.kind not in "biuf" or not len(array):
        raise UserError(
            f"{where}: {file}: {array.dtype}{list(array.shape)} instead of a vector of numbers [width]"
        )
    return array


def read_archive(file: Path) -> dict[str, Array]:
    """The arrays of an `.npz` by their names; declared sizes are compared with what the file holds first.

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
    except (zipfile.BadZipFile, zlib.error, KeyError, *DAMAGED) as error:
        raise UserError(
            f"{file}: truncated or damaged .npz ({type(error).__name__}); fetch the file again"
        ) from None


def _array(file: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    where = f"{file}: {member.filename}"
    return read(lambda: archive.open(member), member.file_size, where)
