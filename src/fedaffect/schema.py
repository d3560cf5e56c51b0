"""What data look like to whoever handles them: array types, modalities, targets, one client's part."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

SPLITS = ("train", "dev", "test")
UNLABELLED = -1

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]
Tensors = dict[str, Array]
"""Named arrays; names are paths such as `model/encoder/text->audio/query/weight`."""

Size = int | tuple[int, ...]
"""What a model is told of a modality: the width of a vector, the shape of anything else."""


@dataclass(frozen=True)
class Modality:
    """A named stream of a corpus: the shape and dtype of one item's features."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def size(self) -> Size:
        return self.shape[0] if len(self.shape) == 1 else self.shape

    @property
    def is_image(self) -> bool:
        """Bytes in two dimensions or more: a model scales them as it reads them, and nobody before."""
        return self.dtype == "uint8" and len(self.shape) > 1


@dataclass(frozen=True)
class Target:
    """What is learnt of an item. Of kind `classes`: one of several names."""

    name: str
    kind: Literal["classes"]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Schema:
    """What all sites of a federation agree on: what is learnt, and from what.

    Attributes:
        targets: today exactly one.
        modalities: by name, sorted.
    """

    targets: tuple[Target, ...]
    modalities: Mapping[str, Modality]

    @property
    def classes(self) -> tuple[str, ...]:
        (target,) = self.targets
        return target.classes


class Items(Protocol):
    """What a client may have otherwise than the corpus: a dataclass with these fields."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def present(self) -> Mapping[str, Flags]: ...

    @property
    def label(self) -> Integers: ...


C = TypeVar("C", bound=Items)


@dataclass(frozen=True)
class ClientData:
    """Which part of a corpus one client holds.

    Attributes:
        conversations: indices of the conversations it holds whole, increasing.
        supervised: rows of the corpus whose labels it learns from, increasing.
        hidden: by modality, bool [items of the corpus], what it has nothing of: of dev and test too.
        label: int64 [supervised], what it takes these utterances for; None = for what they are.
    """

    name: str
    conversations: Integers
    supervised: Integers
    hidden: Mapping[str, Flags] = field(default_factory=dict)
    label: Integers | None = None

    @property
    def volume(self) -> int:
        """Supervised utterances."""
        return len(self.supervised)

    @property
    def lacking(self) -> tuple[str, ...]:
        """The modalities of which it has nothing at all."""
        return tuple(sorted(m for m, rows in self.hidden.items() if rows.all()))

    def view(self, corpus: C) -> C:
        """The corpus as this client has it; itself where nothing is hidden and no label is its own.

        With labels of its own it has no votes, which would tell the true ones.
        """
        if not self.hidden and self.label is None:
            return corpus
        hidden = self.hidden
        present = {m: p & ~hidden[m] if m in hidden else p for m, p in corpus.present.items()}
        if self.label is None:
            return replace(corpus, present=present)
        label = corpus.label.copy()
        label[self.supervised] = self.label
        return replace(corpus, present=present, label=label, votes=None)
