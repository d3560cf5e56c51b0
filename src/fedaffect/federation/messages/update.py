"""The only thing that crosses a client's boundary, and how it is written as bytes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from fedaffect.errors import UserError
from fedaffect.schema import Tensors

_BLOB = "blob/"
MAXIMUM_BYTES = 2**31
# safetensors' names, in the order in which it lays tensors out.
_DTYPE_NAMES = {
    **{"u8": "U64", "i8": "I64", "f8": "F64"},
    **{"f4": "F32", "u4": "U32", "i4": "I32"},
    **{"f2": "F16", "u2": "U16", "i2": "I16"},
    **{"i1": "I8", "u1": "U8", "b1": "BOOL"},
}
_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
_LAYOUT = {dtype: position for position, dtype in enumerate(_DTYPE_NAMES)}


@dataclass(frozen=True)
class Update:
    """Named arrays, scalars and blobs; never an object, never a pickle.

    Attributes:
        tensors: named by path (`model/gate`, `prototype/fused/3`); an update may lack names.
        weights: how much an update counts, by name prefix; the longest matching prefix wins.
        fallback: weights used for a name whose weights sum to zero over all clients.
        scalars: measures for the record (loss, distances); never averaged into a model.
        blobs: bytes in a documented format (a forest).
    """

    tensors: Tensors = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    fallback: Mapping[str, float] = field(default_factory=dict)
    scalars: Mapping[str, float] = field(default_factory=dict)
    blobs: Mapping[str, bytes] = field(default_factory=dict)

    def encode(self) -> bytes:
        """safetensors, the scalar parts as JSON in its header."""
        return safetensors.numpy.save(self._arrays(), metadata=self._metadata())

    @property
    def encoded_size(self) -> int:
        """`len(self.encode())`, without copying a tensor (safetensors' layout, written out)."""
        looks = ((n, a.dtype.str[1:], a.shape) for n, a in self._arrays().items())
        described, data = _sizes(tuple(looks))
        header = len(_compact({"__metadata__": self._metadata()})) + described
        return 8 + -(-header // 8) * 8 + data  # the header is padded to a multiple of 8

    @staticmethod
    def decode(payload: bytes) -> "Update":
        """The inverse of `encode`.

        Raises:
            UserError: not such a payload, or larger than `MAXIMUM_BYTES`.
        """
        if len(payload) > MAXIMUM_BYTES:
            raise UserError(f"update: {len(payload)} bytes; at most {MAXIMUM_BYTES} are read")
        try:
            arrays = safetensors.numpy.load(payload)
            header = json.loads(payload[8 : 8 + int.from_bytes(payload[:8], "little")])
            parts = _numbers(json.loads(header["__metadata__"]["update"]))
            return Update(
                tensors={n: a for n, a in arrays.items() if not n.startswith(_BLOB)},
                weights=parts["weights"],
                fallback=parts["fallback"],
                scalars=parts["scalars"],
                blobs={n[5:]: a.tobytes() for n, a in arrays.items() if n.startswith(_BLOB)},
            )
        except (
            safetensors.SafetensorError,
            AttributeError,
            KeyError,
            RecursionError,
            TypeError,
            ValueError,
        ) as error:
            raise UserError(f"update: not a readable payload: {error}") from None

    def _arrays(self) -> Tensors:
        blobs = {_BLOB + n: np.frombuffer(b, np.uint8) for n, b in self.blobs.items()}
        # Not ascontiguousarray: it would make a vector of a single number.
        return {n: np.asarray(a, order="C") for n, a in self.tensors.items()} | blobs

    def _metadata(self) -> dict[str, str]:
        parts = {
            "weights": dict(self.weights),
            "fallback": dict(self.fallback),
            "scalars": dict(self.scalars),
        }
        return {"update": json.dumps(parts)}


@lru_cache(maxsize=32)  # clients send the same tensors round after round
def _sizes(looks: tuple[tuple[str, str, tuple[int, ...]], ...]) -> tuple[int, int]:
    """Bytes that tensors (name, dtype, shape) take in a payload's header, and in its body."""
    described = start = 0
    for name, dtype, shape in sorted(looks, key=lambda look: (_LAYOUT[look[1]], look[0])):
        end = start + prod(shape) * int(dtype[1:])
        entry = {"dtype": _DTYPE_NAMES[dtype], "shape": shape, "data_offsets": [start, end]}
        described += len(_compact({name: entry})) - 1  # a comma and no braces
        start = end
    return described, start


def _compact(table: Mapping[str, Any]) -> bytes:
    return _COMPACT.encode(table).encode()


def _numbers(parts: dict[str, Any]) -> dict[str, dict[str, float]]:
    """The scalar parts of a payload, whose values must be numbers."""
    for table in parts.values():
        for name, value in table.items():
            if not isinstance(value, int | float):
                raise ValueError(f"`{name}` is not a number")
    return parts


def longest_prefix(weights: Mapping[str, float], name: str) -> float | None:
    """The weight of the longest prefix of `name`, by whole path segments; None where none fits."""
    if not weights:
        return None
    path = name
    while True:
        if path in weights:
            return weights[path]
        if not path:
            return None
        path = path.rpartition("/")[0]
