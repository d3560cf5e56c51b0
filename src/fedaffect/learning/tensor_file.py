"""Named tensors in a safetensors file."""

from pathlib import Path

import safetensors
import safetensors.numpy

from fedaffect.errors import UserError
from fedaffect.schema import Tensors


def write_tensors(path: Path, tensors: Tensors) -> None:
    """Write a safetensors file; not atomic.

    Raises:
        UserError: it cannot be written.
    """
    try:
        safetensors.numpy.save_file(tensors, path)
    except (OSError, safetensors.SafetensorError) as error:
        raise UserError(
            f"{path}: cannot be written: {error}; make room there, or choose another folder"
        ) from None


def read_tensors(path: Path, cure: str) -> Tensors:
    """Read a safetensors file.

    Raises:
        UserError: missing, truncated or damaged; the message ends with `cure`.
    """
    try:
        tensors: Tensors = safetensors.numpy.load_file(path)
    except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError) as error:
        raise UserError(f"{path}: cannot be read: {error}; {cure}") from None
    return tensors
