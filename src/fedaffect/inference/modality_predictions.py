"""The predictions of several modalities for the same items, in one array."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from fedaffect.errors import UserError
from fedaffect.schema import Flags, Floats

SUMS_TO_ONE = 1e-3

Probabilities = Mapping[str, npt.NDArray[np.floating]]
"""By modality [n, classes]."""


@dataclass(frozen=True)
class ModalityPredictions:
    """Class probabilities of each modality for n items.

    Attributes:
        names: of the modalities, sorted.
        probability: float64 [n, modalities, classes]; uniform where absent.
        present: bool [n, modalities].
    """

    names: tuple[str, ...]
    probability: Floats
    present: Flags

    @classmethod
    def of(cls, probability: Probabilities, present: Mapping[str, Flags]) -> Self:
        """Check and stack the probabilities by modality; rows of absent modalities are ignored.

        Raises:
            UserError: modalities or shapes that do not match, or rows that are no probabilities.
        """
        if not probability or set(probability) != set(present):
            raise UserError(
                f"fusion: probabilities of {sorted(probability)}, presence of {sorted(present)}; give "
                "both, for at least one modality"
            )
        names = tuple(sorted(probability))
        shape = probability[names[0]].shape
        for name in names:
            given, given_present = probability[name].shape, present[name].shape
            if len(given) != 2 or given != shape or given_present != given[:1]:
                raise UserError(
                    f"fusion: {name}: probabilities {list(given)}, presence {list(given_present)}; give "
                    f"[items, classes] and [items], as for {names[0]}: {list(shape)}"
                )
        flags = np.stack([present[name] for name in names], axis=1)
        stacked = np.stack([probability[name] for name in names], axis=1).astype(np.float64)
        stacked[~flags] = 1 / shape[1]
        valid = (stacked >= 0).all(axis=-1) & (np.abs(stacked.sum(axis=-1) - 1) <= SUMS_TO_ONE)
        if not valid.all():
            item, modality = np.argwhere(~valid)[0]
            raise UserError(
                f"fusion: {names[modality]}: item {item} has no probabilities that sum to 1; mark it "
                "absent, or apply a softmax first"
            )
        return cls(names, stacked, flags)


def normalised(weight: Floats) -> Floats:
    """Rows divided by their sum; rows of zeros stay zero."""
    total = weight.sum(axis=-1, keepdims=True)
    share: Floats = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
    return share
