"""Cell arrays of a MATLAB 5 file, its size known before scipy reads it."""

import struct
import zlib
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import numpy as np

from fedaffect.errors import UserError
from fedaffect.schema import Array

HEAD = b"MATLAB 5.0 MAT-file"
MAXIMUM_BYTES = 2**31
MAXIMUM_CELLS = 1000
_HEADER, _COMPRESSED, _CHUNK = 128, 15, 2**20


def cells(file: Path, names: Sequence[str]) -> dict[str, list[Array]]:
    """The cells of some variables, each an array, in MATLAB's order.

    Raises:
        UserError: a variable that is missing or no cell array, a damaged file, more than 2 GiB unpacked; or
            scipy is not installed.
    """
    try:
        scipy = import_module("scipy.io")
    except ModuleNotFoundError:
        raise UserError(
            f"{file}: reading MATLAB files needs the `signals` extra (scipy is not installed): "
            "pip install 'fedaffect[signals]'"
        ) from None
    try:
        with file.open("rb") as stream:
            size = _unpacked(stream)
        if size > MAXIMUM_BYTES:
            raise UserError(f"{file}: over {MAXIMUM_BYTES} bytes unpacked; so much is not read")
        for name, shape, kind in scipy.whosmat(file):
            if name in names and (kind != "cell" or np.prod(shape, dtype=object) > MAXIMUM_CELLS):
                raise UserError(f"{file}: {name}: {kind}{list(shape)}, not up to 1000 cells")
        # Integrity is not verified: files written by some MATLABs have bytes left over, AMIGOS's among them.
        content: dict[str, Any] = scipy.loadmat(
            file, variable_names=list(names), verify_compressed_data_integrity=False
        )
    except UserError:
        raise
    except Exception as error:  # a damaged file can raise anything
        raise UserError(
            f"{file}: truncated or damaged MATLAB file ({type(error).__name__}); fetch the file again"
        ) from None
    for name in names:
        if name not in content:
            raise UserError(f"{file}: no variable `{name}`; give AMIGOS's preprocessed files")
    return {name: [np.asarray(cell) for cell in content[name].ravel("F")] for name in names}


def _unpacked(stream: IO[bytes]) -> int:
    """Bytes that the variables take, counted without keeping them, up to just above the maximum."""
    order = "<" if stream.read(_HEADER)[-2:] == b"IM" else ">"
    total = 0
    while total <= MAXIMUM_BYTES and len(tag := stream.read(8)) == 8:
        kind, size = struct.unpack(f"{order}II", tag)
        total += _inflated(stream, size) if kind == _COMPRESSED else size
        if kind != _COMPRESSED:
            stream.seek(size, 1)
    return total


def _inflated(stream: IO[bytes], size: int) -> int:
    """Bytes that the next `size` ones become."""
    total, left, inflate = 0, size, zlib.decompressobj()
    packed = b""
    while total <= MAXIMUM_BYTES and (packed or left):
        if not packed:
            packed = stream.read(min(left, _CHUNK))
            left -= len(packed)
            if not packed:
                raise EOFError
        total += len(inflate.decompress(packed, _CHUNK))
        packed = inflate.unconsumed_tail
    return total
