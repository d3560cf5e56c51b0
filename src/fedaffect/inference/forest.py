"""Forests of decision trees as plain arrays, and their predictions, with numpy alone.

The arrays are the format `fedaffect-tree/1` (docs/forest.md), in a model folder and in the bytes of `write`.
They hold no code and are checked before use.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self, get_args

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from fedaffect.errors import UserError
from fedaffect.schema import Tensors

FORMAT = "fedaffect-tree/1"
Pool = Literal["mean", "geometric"]
POOLS: tuple[Pool, ...] = get_args(Pool)

MAXIMUM_BYTES = 2**26
MAXIMUM_TREES = 10_000
MAXIMUM_NODES = 2**15 - 1  # of a tree: children are int16
MAXIMUM_DEPTH = 64
MAXIMUM_CLASSES = 1000
SUMS_TO_ONE = 1e-3
FLOOR = 1e-6  # of a probability in a geometric mean, which a single 0 would make 0
ROWS_AT_ONCE = 256

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Forest:
    """Trees as rows of nodes. Node 0 is the root; nodes that are no node's child are padding, all zero.

    At an inner node an item with x[feature] > threshold goes right, otherwise left.

    Attributes:
        feature: int16 [trees, nodes], the column compared; 0 in leaves.
        threshold: float32 [trees, nodes]; 0 in leaves.
        child: int16 [trees, nodes], the left child, which comes after its parent; the right child is the
            next node. 0 = a leaf.
        probability: float32 [trees, nodes, classes], sums to 1 in leaves; 0 elsewhere.
        columns: number of features of an item.
        pool: how trees are combined. `mean`: the mean of their probabilities. `geometric`: the normalised
            geometric mean (Genest, Zidek 1986); trees with uniform probabilities do not change its argmax.
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
            UserError: arrays that are no forest, naming the first problem.
        """
        self._check_shapes()
        trees, nodes = self.child.shape
        inner = self.child > 0
        position = np.arange(nodes)
        _ensure(bool((self.child >= 0).all()), "child: a negative number")
        _ensure(bool((self.child > position)[inner].all()), "child: not after its parent")
        _ensure(bool((self.child < nodes - 1)[inner].all()), f"child: beyond the {nodes} nodes")
        _ensure(bool((self.feature >= 0).all()), "feature: a negative number")
        _ensure(
            bool((self.feature < self.columns).all()),
            f"feature: {self.feature.max(initial=0)}, of {self.columns} columns",
        )
        _ensure(bool(np.isfinite(self.threshold).all()), "threshold: not finite")
        _ensure(bool(np.isfinite(self.probability).all()), "probability: not finite")
        _ensure(bool((self.probability >= 0).all()), "probability: negative")

        parents = np.zeros((trees, nodes), np.int64)
        tree, node = np.nonzero(inner)
        for side in (0, 1):
            np.add.at(parents, (tree, self.child[tree, node] + side), 1)
        _ensure(bool((parents <= 1).all()), "child: a node with two parents")
        leaf = self.is_leaf
        total = self.probability.sum(axis=-1)
        _ensure(
            bool((np.abs(total[leaf] - 1) <= SUMS_TO_ONE).all()),
            "probability: a leaf's do not sum to 1",
        )
        empty = (self.feature == 0) & (self.threshold == 0)
        _ensure(bool(empty[~inner].all()), "feature, threshold: not 0 in a leaf")
        _ensure(bool((total[~leaf] == 0).all()), "probability: not 0 outside of leaves")
        _ensure(not (inner & ~self._reachable).any(), "child: not reachable from the root")

    @classmethod
    def of(cls, arrays: Tensors) -> Self:
        """The inverse of `arrays`.

        Raises:
            UserError: arrays that are missing or unknown, or no forest.
        """
        expected = {"feature", "threshold", "child", "probability", "columns", "pool"}
        if arrays.keys() != expected:
            names = ", ".join(sorted(arrays.keys() ^ expected))
            raise UserError(f"forest: missing or unknown: {names}")
        for name in ("columns", "pool"):
            one_number = arrays[name].shape == (1,) and arrays[name].dtype == np.int32
            _ensure(one_number, f"{name}: not one int32")
        pool = int(arrays["pool"][0])
        _ensure(0 <= pool < len(POOLS), f"pool: {pool}, of {len(POOLS)}")
        return cls(
            arrays["feature"],
            arrays["threshold"],
            arrays["child"],
            arrays["probability"],
            int(arrays["columns"][0]),
            POOLS[pool],
        )

    @property
    def arrays(self) -> Tensors:
        """The forest as named arrays."""
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
            UserError: rows of another shape, or not finite.
        """
        probability = np.empty((len(rows), self.classes), np.float32)
        tree = np.arange(self.trees)
        for start in range(0, len(rows), ROWS_AT_ONCE):  # bounds memory
            leaf = self.leaves(rows[start : start + ROWS_AT_ONCE])
            of_trees = self.probability[tree, leaf]
            if self.pool == "geometric":
                of_trees = np.log(np.maximum(of_trees, FLOOR))
            pooled = of_trees.mean(axis=1, dtype=np.float64)
            if self.pool == "geometric":
                pooled = np.exp(pooled - pooled.max(axis=1, keepdims=True))
            probability[start : start + ROWS_AT_ONCE] = pooled / pooled.sum(axis=1, keepdims=True)
        return probability

    def leaves(self, rows: Rows) -> npt.NDArray[np.int64]:
        """int64 [n, trees]: the leaf of each tree that an item reaches.

        Raises:
            UserError: as `predict`.
        """
        if rows.ndim != 2 or rows.shape[1] != self.columns:
            raise UserError(
                f"forest: features {list(rows.shape)}, not [items, {self.columns}]; extract them again"
            )
        if not np.isfinite(rows).all():
            raise UserError("forest: a feature is not finite; impute it, or leave the item out")
        item, tree = np.arange(len(rows))[:, None], np.arange(self.trees)
        node = np.zeros((len(rows), self.trees), np.int64)
        for _ in range(self.depth):
            child = self.child[tree, node]
            right = rows[item, self.feature[tree, node]] > self.threshold[tree, node]
            node = np.where(child > 0, child + right, node)
        return node

    @property
    def depth(self) -> int:
        """Number of splits from a root to the deepest leaf."""
        return self._walk[1]

    @property
    def is_leaf(self) -> npt.NDArray[np.bool_]:
        """bool [trees, nodes]."""
        leaf: npt.NDArray[np.bool_] = self._reachable & (self.child == 0)
        return leaf

    @property
    def _reachable(self) -> npt.NDArray[np.bool_]:
        return self._walk[0]

    @cached_property
    def _walk(self) -> tuple[npt.NDArray[np.bool_], int]:
        """Which nodes are reachable from the root, bool [trees, nodes], and the depth of the deepest."""
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
        raise UserError(f"forest: deeper than {MAXIMUM_DEPTH} splits")

    def _check_shapes(self) -> None:
        shape = self.child.shape
        _ensure(len(shape) == 2 and min(shape) > 0, f"child: shape {list(shape)}")
        _ensure(shape[0] <= MAXIMUM_TREES, f"{shape[0]} trees; at most {MAXIMUM_TREES}")
        _ensure(shape[1] <= MAXIMUM_NODES, f"{shape[1]} nodes a tree; at most {MAXIMUM_NODES}")
        for name, dtype in (("feature", "int16"), ("threshold", "float32"), ("child", "int16")):
            array = getattr(self, name)
            _ensure(array.shape == shape and array.dtype == dtype, f"{name}: not {dtype} {shape}")
        leaves = self.probability
        _ensure(
            leaves.dtype == np.float32 and leaves.ndim == 3 and leaves.shape[:2] == shape,
            f"probability: not float32 {[*shape, 'classes']}",
        )
        classes = leaves.shape[2]
        _ensure(1 <= classes <= MAXIMUM_CLASSES, f"{classes} classes; at most {MAXIMUM_CLASSES}")
        _ensure(0 < self.columns <= 2**15, f"{self.columns} columns")


def joined(forests: list[Forest]) -> Forest:
    """The trees of several forests in one, in order; shorter rows of nodes are padded.

    Raises:
        UserError: forests with different columns, classes or pool, or too many trees.
    """
    first, nodes = forests[0], max(f.child.shape[1] for f in forests)
    kinds = {(f.columns, f.classes, f.pool) for f in forests}
    _ensure(len(kinds) == 1, f"(columns, classes, pool) differ: {sorted(kinds)}")
    wide = [padded(f, nodes) for f in forests]
    parts = {
        name: np.concatenate([getattr(f, name) for f in wide])
        for name in ("feature", "threshold", "child", "probability")
    }
    return Forest(**parts, columns=first.columns, pool=first.pool)


def padded(forest: Forest, nodes: int) -> Forest:
    """The forest with its rows padded to `nodes`."""
    added = ((0, 0), (0, nodes - forest.child.shape[1]))
    return Forest(
        np.pad(forest.feature, added),
        np.pad(forest.threshold, added),
        np.pad(forest.child, added),
        np.pad(forest.probability, (*added, (0, 0))),
        forest.columns,
        forest.pool,
    )


def write(forest: Forest) -> bytes:
    """A forest as bytes: safetensors with the format in its header."""
    return safetensors.numpy.save(forest.arrays, metadata={"format": FORMAT})


def read(payload: bytes, source: str) -> Forest:
    """The inverse of `write`.

    Args:
        source: where the bytes come from, for messages.

    Raises:
        UserError: too large, truncated, another format, or no forest; it names `source`.
    """
    try:
        _ensure(
            len(payload) <= MAXIMUM_BYTES,
            f"{len(payload)} bytes; at most {MAXIMUM_BYTES} are read",
        )
        arrays = safetensors.numpy.load(payload)
        header = json.loads(payload[8 : 8 + int.from_bytes(payload[:8], "little")])
        format_ = header.get("__metadata__", {}).get("format")
        _ensure(format_ == FORMAT, f"its format is {format_!r}, not {FORMAT}")
        return Forest.of(arrays)
    except UserError as error:
        raise UserError(f"{source}: {error}; send it again, or train again") from None
    except (safetensors.SafetensorError, AttributeError, KeyError, ValueError) as error:
        raise UserError(f"{source}: not {FORMAT}: {error}; send it again, or train again") from None


def _ensure(valid: bool, problem: str) -> None:
    if not valid:
        raise UserError(f"forest: {problem}")
