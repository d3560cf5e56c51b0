"""What an update may hold, declared before a run, and the check of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from fedaffect.federation.messages.reply import RefusedError
from fedaffect.federation.messages.update import Update


@dataclass(frozen=True)
class Spec:
    """Shape and dtype of a tensor that may leave a client; of a blob the dtype is `bytes`."""

    shape: tuple[int, ...]
    dtype: str


def specs(tensors: Mapping[str, npt.NDArray[Any]]) -> dict[str, Spec]:
    """What given tensors look like."""
    return {name: Spec(array.shape, str(array.dtype)) for name, array in tensors.items()}


def ensure_declared(update: Update, declared: Mapping[str, Spec]) -> None:
    """Let nothing out that the algorithm did not declare, and no number that is not finite.

    Raises:
        RefusedError: naming the tensor, the blob or the number.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        for name, array in update.tensors.items():
            spec = declared.get(name)
            if spec is None or (spec.shape, spec.dtype) != (array.shape, _name(array.dtype)):
                raise RefusedError(
                    f"`{name}` ({array.dtype}{list(array.shape)}) may not leave a client"
                )
            if array.dtype.kind == "f" and not _is_finite(array):
                raise RefusedError(f"`{name}` holds numbers that are not finite")
    for name in update.blobs:
        if name not in declared:
            raise RefusedError(f"`{name}` (bytes) may not leave a client")
    for numbers in (update.scalars, update.weights, update.fallback):
        for name, value in numbers.items():
            if not isfinite(value):
                raise RefusedError(f"`{name}` is not finite")


@cache
def _name(dtype: np.dtype[Any]) -> str:
    """`str(dtype)`, which numpy puts together anew each time, as slowly as all else in `guard`."""
    return str(dtype)


def _is_finite(array: npt.NDArray[Any]) -> bool:
    """Whether all numbers are; the sum of squares is the fastest test, unless it overflows."""
    flat = array.ravel()
    return isfinite(flat.dot(flat)) or bool(np.isfinite(flat).all())
