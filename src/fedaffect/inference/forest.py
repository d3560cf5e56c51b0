"""Forests of decision trees as plain arrays, and what they predict, with numpy alone.

The arrays are the format `fedaffect-tree/1` (docs/forest.md), whether they lie in a model folder or travel as
the bytes that `write` makes. Nothing in them is code, and none is believed before it is checked.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self, get_args

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from fedaffect.errors import UserError

FORMAT = "fedaffect-tree/1"
Pool = Literal["mean", "geometric"]
POOLS: tuple[Pool, ...] = get_args(Pool)

MAXIMUM_BYTES = 2**26
MAXIMUM_TREES = 10_000
MAXIMUM_NODES = 2**15 - 1  # of a tree: a child is an int16
MAXIMUM_DEPTH = 64
MAXIMUM_CLASSES = 1000
SUMS_TO_ONE = 1e-3
FLOOR = 1e-6  # a geometric mean in which one tree's 0 does not silence all others
ROWS_AT_ONCE = 256

Rows = npt.NDArray[np.float32]
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Forest:
    """Trees, a row of nodes each; node 0 is the root. What no node names as its child is padding, all zero.

    At an inner node an item with x[feature] > threshold goes to the right, any other to the left.

    Attributes:
        feature: int16 [trees, nodes], a column; 0 in leaves.
        threshold: float32 [trees, nodes]; 0 in leaves.
        child: int16 [trees, nodes], the left child, which stands further on; the right one is the node
            after it. 0 = a leaf.
        probability: float32 [trees, nodes, classes], sums to 1 in leaves; 0 elsewhere.
        columns: how many features an item has.
        pool: how trees agree. `mean`: the mean of their probabilities. `geometric`: the geometric mean,
            normalised, in which undecided trees do not dilute the others (Genest, Zidek 1986).
    """

    feature: npt.NDArray[np.int16]
    threshold: npt.NDArray[np.float32]
    child: npt.NDArray[np.int16]
    probability: npt.NDArray[np.float32]
    columns: int
    pool: Pool = "mean"

    def __post_init__(self) -> None:
        """
        Raises:
            UserError: arrays that are no forest, naming the first trouble.
        """
        self._check_shapes()
        trees, nodes = self.child.shape
        inner = self.child > 0
        place = np.arange(nodes)
        _demand(bool((self.child >= 0).all()), "child: a negative number")
        _demand(bool((self.child > place)[inner].all()), "child: not after its parent")
        _demand(bool((self.child < nodes - 1)[inner].all()), f"child: beyond the {nodes} nodes")
        _demand(bool((self.feature >= 0).all()), "feature: a negative number")
        _demand(
            bool((self.feature < self.columns).all()),
            f"feature: {self.feature.max(initial=0)}, of {self.columns} columns",
        )
        _demand(bool(np.isfinite(self.threshold).all()), "threshold: not finite")
        _demand(bool(np.isfinite(self.probability).all()), "probability: not finite")
        _demand(bool((self.probability >= 0).all()), "probability: negative")

        parents = np.zeros((trees, nodes), np.int64)
        tree, node = np.nonzero(inner)
        for side in (0, 1):
            np.add.at(parents, (tree, self.child[tree, node] + side), 1)
        _demand(bool((parents <= 1).all()), "child: a node with two parents")
        leaf = self.is_leaf
        total = self.probability.sum(axis=-1)
        _demand(
            bool((np.abs(total[leaf] - 1) <= SUMS_TO_ONE).all()),
            "probability: a leaf's do not sum to 1",
        )
        empty = (self.feature == 0) & (self.threshold == 0)
        _demand(bool(empty[~inner].all()), "feature, threshold: not 0 in a leaf")
        _demand(bool((total[~leaf] == 0).all()), "probability: not 0 outside of leaves")
        _demand(not (inner & ~self._reached).any(), "child: of a node that no root leads to")

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        """The inverse of `arrays`.

        Raises:
            UserError: arrays that are missing or unknown, or no forest.
        """
        expected = {"feature", "threshold", "child", "probability", "columns", "pool"}
        if arrays.keys() != expected:
            odd = ", ".join(sorted(arrays.keys() ^ expected))
            raise UserError(f"forest: missing or unknown: {odd}")
        for name in ("columns", "pool"):
            single = arrays[name].shape == (1,) and arrays[name].dtype == np.int32
            _demand(single, f"{name}: not one int32")
        pool = int(arrays["pool"][0])
        _demand(0 <= pool < len(POOLS), f"pool: {pool}, of {len(POOLS)}")
        return cls(
            arrays["feature"],
            arrays["threshold"],
            arrays["child"],
            arrays["probability"],
            int(arrays["columns"][0]),
            POOLS[pool],
        )

    @property
    def arrays(self) -> Arrays:
        """All of it as named arrays."""
        return {
            "feature": self.feature,
            "threshold": self.threshold,
            "child": self.child,
            "probability": self.probability,
            "columns": np.array([self.columns], np.int32),
            "pool": np.array([POOLS.index(self.pool)], np.int32),
        }

    @property
    def trees(self) -> int:
        return len(self.child)

    @property
    def classes(self) -> int:
        return int(self.probability.shape[2])

    def predict(self, rows: Rows) -> npt.NDArray[np.float32]:
        """Probabilities [n, classes].

        Args:
            rows: float32 [n, columns], finite.

        Raises:
            UserError: rows of another shape, or numbers that are not finite.
        """
        found = np.empty((len(rows), self.classes), np.float32)
        tree = np.arange(self.trees)
        for start in range(0, len(rows), ROWS_AT_ONCE):  # bounds what lies in memory at once
            leaf = self.leaves(rows[start : start + ROWS_AT_ONCE])
            said = self.probability[tree, leaf]
            if self.pool == "geometric":
                said = np.log(np.maximum(said, FLOOR))
            pooled = said.mean(axis=1, dtype=np.float64)
            if self.pool == "geometric":
                pooled = np.exp(pooled - pooled.max(axis=1, keepdims=True))
            found[start : start + ROWS_AT_ONCE] = pooled / pooled.sum(axis=1, keepdims=True)
        return found

    def leaves(self, rows: Rows) -> npt.NDArray[np.int64]:
        """int64 [n, trees]: the node of each tree in which an item ends.

        Raises:
            UserError: as `predict`.
        """
        if rows.ndim != 2 or rows.shape[1] != self.columns:
            raise UserError(
                f"forest: features {list(rows.shape)}; it reads [items, {self.columns}]: extract them as "
                "those it learnt from"
            )
        if not np.isfinite(rows).all():
            raise UserError("forest: a feature is not finite; fill in or leave out such items")
        item, tree = np.arange(len(rows))[:, None], np.arange(self.trees)
        node = np.zeros((len(rows), self.trees), np.int64)
        for _ in range(self.depth):
            child = self.child[tree, node]
            right = rows[item, self.feature[tree, node]] > self.threshold[tree, node]
            node = np.where(child > 0, child + right, node)
        return node

    @property
    def depth(self) -> int:
        """Splits from a root to the furthest leaf."""
        return self._walk[1]

    @property
    def is_leaf(self) -> npt.NDArray[np.bool_]:
        """bool [trees, nodes]: where an item can end."""
        found: npt.NDArray[np.bool_] = self._reached & (self.child == 0)
        return found

    @property
    def _reached(self) -> npt.NDArray[np.bool_]:
        return self._walk[0]

    @cached_property
    def _walk(self) -> tuple[npt.NDArray[np.bool_], int]:
        """Which nodes a root leads to, and how deep the deepest lies."""
        reached = np.zeros(self.child.shape, bool)
        reached[:, 0] = True
        tree, node = np.arange(self.trees), np.zeros(self.trees, np.int64)
        for depth in range(MAXIMUM_DEPTH + 1):
            child = self.child[tree, node].astype(np.int64)
            tree, child = tree[child > 0], child[child > 0]
            if not len(tree):
                return reached, depth
            tree, node = np.tile(tree, 2), np.concatenate([child, child + 1])
            reached[tree, node] = True
        raise UserError(f"forest: deeper than {MAXIMUM_DEPTH}")

    def _check_shapes(self) -> None:
        shape = self.child.shape
        _demand(len(shape) == 2 and min(shape) > 0, f"child: shape {list(shape)}")
        _demand(shape[0] <= MAXIMUM_TREES, f"{shape[0]} trees; at most {MAXIMUM_TREES}")
        _demand(shape[1] <= MAXIMUM_NODES, f"{shape[1]} nodes a tree; at most {MAXIMUM_NODES}")
        for name, dtype in (("feature", "int16"), ("threshold", "float32"), ("child", "int16")):
            array = getattr(self, name)
            _demand(array.shape == shape and array.dtype == dtype, f"{name}: not {dtype} {shape}")
        found = self.probability
        _demand(
            found.dtype == np.float32 and found.ndim == 3 and found.shape[:2] == shape,
            f"probability: not float32 {[*shape, 'classes']}",
        )
        classes = found.shape[2]
        _demand(1 <= classes <= MAXIMUM_CLASSES, f"{classes} classes; at most {MAXIMUM_CLASSES}")
        _demand(0 < self.columns <= 2**15, f"{self.columns} columns")


def joined(forests: list[Forest]) -> Forest:
    """All trees of several forests, in order; shorter rows of nodes are padded.

    Raises:
        UserError: they differ in columns, classes or pool, or are too many.
    """
    first, nodes = forests[0], max(f.child.shape[1] for f in forests)
    kinds = {(f.columns, f.classes, f.pool) for f in forests}
    _demand(len(kinds) == 1, f"(columns, classes, pool) differ: {sorted(kinds)}")
    wide = [padded(f, nodes) for f in forests]
    parts = {
        name: np.concatenate([getattr(f, name) for f in wide])
        for name in ("feature", "threshold", "child", "probability")
    }
    return Forest(**parts, columns=first.columns, pool=first.pool)


def padded(forest: Forest, nodes: int) -> Forest:
    """The same with rows of so many nodes."""
    more = ((0, 0), (0, nodes - forest.child.shape[1]))
    return Forest(
        np.pad(forest.feature, more),
        np.pad(forest.threshold, more),
        np.pad(forest.child, more),
        np.pad(forest.probability, (*more, (0, 0))),
        forest.columns,
        forest.pool,
    )


def write(forest: Forest) -> bytes:
    """The bytes of a forest: safetensors, whose header names the format."""
    return safetensors.numpy.save(forest.arrays, metadata={"format": FORMAT})


def read(payload: bytes, source: str) -> Forest:
    """The inverse of `write`.

    Args:
        source: where the bytes are from, for messages.

    Raises:
        UserError: naming `source`: another format, too large, truncated, or no forest.
    """
    try:
        _demand(
            len(payload) <= MAXIMUM_BYTES,
            f"{len(payload)} bytes; at most {MAXIMUM_BYTES} are read",
        )
        arrays = safetensors.numpy.load(payload)
        header = json.loads(payload[8 : 8 + int.from_bytes(payload[:8], "little")])
        named = header.get("__metadata__", {}).get("format")
        _demand(named == FORMAT, f"its format is {named!r}, not {FORMAT}")
        return Forest.of(arrays)
    except UserError as error:
        raise UserError(f"{source}: {error}; ask for it again, or train anew") from None
    except (safetensors.SafetensorError, AttributeError, KeyError, ValueError) as error:
        raise UserError(f"{source}: cannot be read as {FORMAT}: {error}") from None


def _demand(holds: bool, trouble: str) -> None:
    if not holds:
        raise UserError(f"forest: {trouble}")
