"""Map labels and predicted probabilities from the classes of one corpus to those of another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from fedaffect.errors import UserError
from fedaffect.schema import UNLABELLED, Floats, Integers


@dataclass(frozen=True)
class ClassMap:
    """Attributes:
    source: the classes one has.
    target: the classes one wants.
    index: int64 [source], into `target`; `UNLABELLED` where a class is left out.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    index: Integers

    @classmethod
    def of(cls, source: Sequence[str], target: Sequence[str], names: Mapping[str, str]) -> Self:
        """By name, source to target; a source class that is not named is left out.

        Raises:
            UserError: a name that is no class, or nothing named.
        """
        for given, known, side in ((names, source, "from"), (names.values(), target, "to")):
            for name in given:
                if name not in known:
                    raise UserError(
                        f"classes: `{name}` is no class to map {side}; it knows: {', '.join(known)}"
                    )
        if not names:
            raise UserError("classes: nothing is mapped; name at least one class")
        index = [target.index(names[n]) if n in names else UNLABELLED for n in source]
        return cls(tuple(source), tuple(target), np.array(index, dtype=np.int64))

    def labels(self, label: Integers) -> Integers:
        """int64 [n], indices into `target`; what is left out becomes `UNLABELLED`, as what was."""
        return np.where(label == UNLABELLED, UNLABELLED, self.index[label])

    def probabilities(self, probability: npt.NDArray[np.floating]) -> Floats:
        """float64 [n, target] of [n, source]: given that it is one of the classes that are not left out.

        Classes with one target add up. Uniform over the targets where nothing is left of a row.
        """
        kept = self.index != UNLABELLED
        found = np.zeros((len(probability), len(self.target)))
        np.add.at(found.T, self.index[kept], probability[:, kept].T)
        total = found.sum(axis=1, keepdims=True)
        reached = np.isin(np.arange(len(self.target)), self.index)
        return np.where(total > 0, found / np.where(total > 0, total, 1), reached / reached.sum())
