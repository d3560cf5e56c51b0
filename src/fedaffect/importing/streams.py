"""Numbers that a file holds, as the samples of a stream."""

import numpy as np

from fedaffect.errors import UserError
from fedaffect.features.body import Stream
from fedaffect.features.body.recording import Samples
from fedaffect.schema import Array

ACCELERATION = 64.0
"""An Empatica E4 counts 1 g as 64."""


def numbers(values: object, where: str) -> Samples:
    """float32 [time] of a vector, or of a table with one column.

    Raises:
        UserError: anything else; `where` names it.
    """
    array = table(values, where)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or not len(array):
        raise UserError(
            f"{where}: {list(array.shape)} instead of numbers [time]; fetch the file again"
        )
    return _float32(array)


def magnitude(values: object, where: str) -> Samples:
    """float32 [time], in g: the length of an E4's acceleration vectors, [time, 3] in 1/64 g.

    Raises:
        UserError: not three numbers a moment.
    """
    array = table(values, where)
    if array.ndim != 2 or array.shape[1] != 3 or not len(array):
        raise UserError(
            f"{where}: {list(array.shape)} instead of numbers [time, 3]; fetch the file again"
        )
    # Bounded, so that no square leaves float32; what is so large is a gap anyway.
    bounded = np.clip(_float32(array), -1e18, 1e18) / ACCELERATION
    return np.asarray(np.linalg.norm(bounded, axis=1), np.float32)


def stream(samples: Samples, rate: float, where: str, start: float = 0, unit: str = "") -> Stream:
    """A stream; `where` names what it was read from.

    Raises:
        UserError: a rate or length that no stream has.
    """
    try:
        return Stream(samples, rate, start, unit)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def table(values: object, where: str) -> Array:
    """An array of real numbers, of any shape.

    Raises:
        UserError: anything else.
    """
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iuf":
        kind = str(values.dtype) if isinstance(values, np.ndarray) else type(values).__name__
        raise UserError(f"{where}: {kind} instead of an array of numbers; fetch the file again")
    return values


def _float32(array: Array) -> Samples:
    """Too large for float32 becomes Inf, a gap like NaN."""
    with np.errstate(over="ignore"):
        return array.astype(np.float32)
