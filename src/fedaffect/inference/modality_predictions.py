"""What several modalities say about the same items, laid side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from fedaffect.errors import UserError
from fedaffect.schema import Flags

SUMS_TO_ONE = 1e-3

Floats = npt.NDArray[np.float64]
Probabilities = Mapping[str, npt.NDArray[np.floating]]
"""By modality [n, classes]."""


@dataclass(frozen=True)
class Opinions:
    """Attributes:
    names: of the modalities, sorted.
    probability: float64 [n, modalities, classes]; uniform where absent.
    present: bool [n, modalities].
    """

    names: tuple[str, ...]
    probability: Floats
    present: Flags

    @classmethod
    def of(cls, probability: Probabilities, present: Mapping[str, Flags]) -> Self:
        """Whatever an absent modality holds is not looked at.

        Raises:
            UserError: modalities or shapes that do not fit each other, or rows that are no probabilities.
        """
        if not probability or set(probability) != set(present):
            raise UserError(
                f"fusion: probabilities of {sorted(probability)}, presence of {sorted(present)}; give "
                "both, for at least one modality"
            )
        names = tuple(sorted(probability))
        shape = probability[names[0]].shape
        for name in names:
            rows, flags = probability[name].shape, present[name].shape
            if len(rows) != 2 or rows != shape or flags != rows[:1]:
                raise UserError(
                    f"fusion: {name}: probabilities {list(rows)}, presence {list(flags)}; give [items, "
                    f"classes] and [items], as for {names[0]}: {list(shape)}"
                )
        there = np.stack([present[name] for name in names], axis=1)
        said = np.stack([probability[name] for name in names], axis=1).astype(np.float64)
        said[~there] = 1 / shape[1]
        sound = (said >= 0).all(axis=-1) & (np.abs(said.sum(axis=-1) - 1) <= SUMS_TO_ONE)
        if not sound.all():
            item, modality = np.argwhere(~sound)[0]
            raise UserError(
                f"fusion: {names[modality]}: item {item} has no probabilities that sum to 1; mark it "
                "absent, or apply a softmax first"
            )
        return cls(names, said, there)


def normalised(weight: Floats) -> Floats:
    """Rows over their sum; rows of zeros stay so."""
    total = weight.sum(axis=-1, keepdims=True)
    share: Floats = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
    return share
