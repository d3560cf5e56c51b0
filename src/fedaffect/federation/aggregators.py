"""Updates → one. Sums in the order of the clients, in float64, so the bits depend on nothing else."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from heapq import heappop, heappush
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from fedaffect.federation.messages.update import Update, longest_prefix
from fedaffect.schema import Tensors


@dataclass(frozen=True)
class Aggregate:
    """What the server learns from a round.

    Attributes:
        tensors: aggregated arrays in the dtype they came in; a name that nobody sent is absent.
        updates: how many updates went in.
    """

    tensors: Tensors
    updates: int


class Aggregator(Protocol):
    """`needs`: `sums` over clients, which can go through secure summation, or single `updates`."""

    @property
    def needs(self) -> Literal["sums", "updates"]: ...

    def reduce(self, updates: Iterable[Update]) -> Aggregate:
        """Consume updates in client order; memory does not grow with their number."""


class WeightedMean:
    """Per name: Σ w_i x_i / Σ w_i, or with the fallback weights where Σ w_i = 0 (FedAvg's rule).

    Four sums a name (Σ w x, Σ w, Σ f x, Σ f) are all it needs. A name whose two weight sums are zero
    is left out of the aggregate.
    """

    needs: Literal["sums", "updates"] = "sums"

    def reduce(self, updates: Iterable[Update]) -> Aggregate:
        weighted, fallback = _Sums(), _Sums()
        count = 0
        for update in updates:
            count += 1
            for name, array in update.tensors.items():
                weight = longest_prefix(update.weights, name)
                weighted.add(name, array, 1.0 if weight is None else weight)
                substitute = longest_prefix(update.fallback, name)
                if substitute is not None:
                    fallback.add(name, array, substitute)
        return Aggregate(fallback.means() | weighted.means(), count)


PER_CLIENT = "per_client"


class CollectingMean(WeightedMean):
    """The weighted means, and each client's own arrays below a prefix: `per_client/NAME`, [clients, ...].

    It looks at single updates, so it cannot go through secure summation. Of a name that very many
    clients send it keeps a sample: those whose bytes hash lowest, which is as good as a random draw
    and, in any process and order, the same.
    """

    needs = "updates"

    def __init__(self, prefix: str, most: int) -> None:
        """`most`: how many arrays of a name are kept."""
        self._prefix, self._most = prefix + "/", most

    def reduce(self, updates: Iterable[Update]) -> Aggregate:
        samples: dict[str, _Sample] = defaultdict(lambda: _Sample(self._most))

        def watched() -> Iterator[Update]:
            for update in updates:
                for name, array in update.tensors.items():
                    if name.startswith(self._prefix):
                        samples[name].add(array)
                yield update

        aggregate = super().reduce(watched())
        each = {f"{PER_CLIENT}/{name}": sample.stacked() for name, sample in samples.items()}
        return replace(aggregate, tensors=aggregate.tensors | each)


class _Sample:
    def __init__(self, most: int) -> None:
        self._most, self._seen = most, 0
        self._lowest: list[tuple[int, int, npt.NDArray[Any]]] = []

    def add(self, array: npt.NDArray[Any]) -> None:
        digest = sha256(array.tobytes()).digest()
        heappush(self._lowest, (-int.from_bytes(digest, "big"), self._seen, array))
        self._seen += 1
        if len(self._lowest) > self._most:
            heappop(self._lowest)

    def stacked(self) -> npt.NDArray[Any]:
        """Those kept, in the order in which they came."""
        return np.stack([array for _, _, array in sorted(self._lowest, key=lambda kept: kept[1])])


class _Sums:
    def __init__(self) -> None:
        self._arrays: dict[str, npt.NDArray[Any]] = {}
        self._weights: dict[str, float] = {}
        self._dtypes: dict[str, np.dtype[Any]] = {}

    def add(self, name: str, array: npt.NDArray[Any], weight: float) -> None:
        if weight == 0:
            return
        term = array.astype(np.float64)
        term *= weight
        if name in self._arrays:
            self._arrays[name] += term
            self._weights[name] += weight
        else:
            self._arrays[name], self._weights[name] = term, weight
            self._dtypes[name] = array.dtype

    def means(self) -> Tensors:
        return {
            name: (total / self._weights[name]).astype(self._dtypes[name])
            for name, total in self._arrays.items()
        }
