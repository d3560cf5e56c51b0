"""Forests as arrays: what they predict, how they are written, and what is not believed."""

import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.errors import UserError
from fedaffect.inference.forest import FORMAT, MAXIMUM_DEPTH, Forest, joined, padded, read, write


def arrays(**changes):
    """Two trees over two columns and two classes; the second is a leaf and padding.

    x0 > 0.5 ? (x1 > -1 ? (0, 1) : (0.5, 0.5)) : (0.75, 0.25)     and     (0.9, 0.1)
    """
    found = {
        "feature": np.array([[0, 0, 1, 0, 0], [0, 0, 0, 0, 0]], np.int16),
        "threshold": np.array([[0.5, 0, -1, 0, 0], [0, 0, 0, 0, 0]], np.float32),
        "child": np.array([[1, 0, 3, 0, 0], [0, 0, 0, 0, 0]], np.int16),
        "probability": np.zeros((2, 5, 2), np.float32),
        "columns": np.array([2], np.int32),
        "pool": np.array([0], np.int32),
    }
    found["probability"][0, [1, 3, 4]] = [(0.75, 0.25), (0.5, 0.5), (0, 1)]
    found["probability"][1, 0] = (0.9, 0.1)
    for name, (place, value) in changes.items():
        found[name][place] = value
    return found


ROWS = np.array([(0.5, 9), (0.6, -1), (0.6, 0)], np.float32)  # at a threshold: to the left


def test_leaves_by_hand():
    np.testing.assert_array_equal(Forest.of(arrays()).leaves(ROWS), [(1, 0), (3, 0), (4, 0)])


def test_mean_by_hand():
    found = Forest.of(arrays()).predict(ROWS)
    np.testing.assert_allclose(found, [(0.825, 0.175), (0.7, 0.3), (0.45, 0.55)], rtol=1e-6)
    assert found.dtype == np.float32


def test_geometric_mean_by_hand():
    found = Forest.of(arrays(pool=(0, 1))).predict(ROWS)
    ratio = np.sqrt([(0.75 * 0.9) / (0.25 * 0.1), 9, 1e-6 * 0.9 / 0.1])
    np.testing.assert_allclose(found[:, 0], ratio / (1 + ratio), rtol=1e-4)


def test_rows_are_looked_at_in_pieces():
    rows = np.random.default_rng(0).normal(size=(700, 2)).astype(np.float32)
    forest = Forest.of(arrays())
    whole = forest.predict(rows)
    np.testing.assert_array_equal(whole, np.concatenate([forest.predict(r[None]) for r in rows]))
    assert forest.predict(rows[:0]).shape == (0, 2)


@pytest.mark.parametrize("rows", [np.zeros((3, 1), np.float32), np.zeros(2, np.float32)])
def test_other_columns_are_refused(rows):
    with pytest.raises(UserError, match=r"not \[items, 2\]"):
        Forest.of(arrays()).predict(rows)


def test_numbers_that_are_not_finite_are_refused():
    with pytest.raises(UserError, match="not finite"):
        Forest.of(arrays()).predict(np.array([(0, np.nan)], np.float32))


def test_written_and_read_again():
    forest = Forest.of(arrays(pool=(0, 1)))
    again = read(write(forest), "here")
    assert (again.columns, again.pool, again.classes, again.trees) == (2, "geometric", 2, 2)
    for name, array in forest.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], array)


def test_no_counts_are_written():
    assert set(arrays()) == set(safetensors.numpy.load(write(Forest.of(arrays()))))
    assert len(write(Forest.of(arrays()))) < 700


def test_joined_forests_keep_their_trees():
    one = Forest.of(arrays())
    other = padded(one, 9)
    both = joined([other, one])
    assert (both.trees, both.child.shape) == (4, (4, 9))
    np.testing.assert_allclose(both.predict(ROWS), one.predict(ROWS), rtol=1e-6)


def test_forests_of_other_kinds_are_not_joined():
    with pytest.raises(UserError, match="differ"):
        joined([Forest.of(arrays()), Forest.of(arrays(columns=(0, 3)))])


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({"child": ((0, 2), -3)}, "child: a negative"),
        ({"child": ((0, 2), 2)}, "child: not after its parent"),
        ({"child": ((0, 2), 4)}, "child: beyond the 5 nodes"),
        ({"child": ((0, 2), 1)}, "child: not after its parent"),
        ({"child": ((0, 1), 3)}, "child: a node with two parents"),
        ({"child": ((1, 2), 3)}, "child: not reachable from the root"),
        ({"feature": ((0, 2), -1)}, "feature: a negative"),
        ({"feature": ((0, 2), 2)}, "feature: 2, of 2 columns"),
        ({"feature": ((0, 4), 1)}, "feature, threshold: not 0 in a leaf"),
        ({"threshold": ((0, 0), np.inf)}, "threshold: not finite"),
        ({"threshold": ((0, 0), np.nan)}, "threshold: not finite"),
        ({"probability": ((0, 1, 0), 0.5)}, "do not sum to 1"),
        ({"probability": ((0, 1), (1.5, -0.5))}, "probability: negative"),
        ({"probability": ((0, 1, 0), np.nan)}, "probability: not finite"),
        ({"probability": ((0, 0), (0.5, 0.5))}, "probability: not 0 outside of leaves"),
        ({"probability": ((1, 3), (0.5, 0.5))}, "probability: not 0 outside of leaves"),
        ({"columns": (0, 0)}, "0 columns"),
        ({"pool": (0, 2)}, "pool: 2"),
    ],
)
def test_malformed_trees_are_named(changes, trouble):
    with pytest.raises(UserError, match=trouble):
        Forest.of(arrays(**changes))


@pytest.mark.parametrize(
    ("name", "array", "trouble"),
    [
        ("feature", np.zeros((2, 5), np.int32), "feature: not int16"),
        ("feature", np.zeros((2, 4), np.int16), "feature: not int16"),
        ("threshold", np.zeros((2, 5)), "threshold: not float32"),
        ("child", np.zeros((2, 0), np.int16), "child: shape"),
        ("child", np.zeros((10_001, 5), np.int16), "10001 trees"),
        ("child", np.zeros((1, 2**15), np.int16), "32768 nodes"),
        ("probability", np.zeros((2, 5), np.float32), "probability: not float32"),
        ("probability", np.zeros((2, 5, 0), np.float32), "0 classes"),
        ("columns", np.array(2, np.int32), "columns: not one int32"),
        ("samples", np.zeros((2, 5), np.int32), "missing or unknown: samples"),
    ],
)
def test_other_arrays_are_refused(name, array, trouble):
    with pytest.raises(UserError, match=trouble):
        Forest.of({**arrays(), name: array})


def test_a_chain_that_is_too_deep_is_refused():
    """Each right node splits again: nobody shall keep a machine busy with one item."""
    depth = MAXIMUM_DEPTH + 1
    nodes = 2 * depth + 1
    child = np.zeros((1, nodes), np.int16)
    child[0, 0] = 1
    child[0, 2:-1:2] = np.arange(3, nodes - 1, 2)
    probability = np.zeros((1, nodes, 1), np.float32)
    probability[child == 0] = 1
    feature, threshold = np.zeros_like(child), np.zeros(child.shape, np.float32)
    with pytest.raises(UserError, match="deeper than"):
        Forest(feature, threshold, child, probability, 1)
    one_less = child[:, :-2].copy()
    one_less[0, -1] = 0
    leaves = (one_less == 0)[..., None].astype(np.float32)
    forest = Forest(feature[:, :-2], threshold[:, :-2], one_less, leaves, 1)
    assert forest.depth == MAXIMUM_DEPTH


@pytest.mark.parametrize("part", [0, 7, 8, 200, -1])
def test_truncated_bytes_are_one_line(part):
    payload = write(Forest.of(arrays()))
    with pytest.raises(UserError, match=r"^mine\.tree: ") as caught:
        read(payload[:part], "mine.tree")
    assert "\n" not in str(caught.value)


def test_another_format_is_named():
    payload = safetensors.numpy.save(arrays(), metadata={"format": "fedaffect-tree/2"})
    with pytest.raises(UserError, match=f"'fedaffect-tree/2', not {FORMAT}"):
        read(payload, "here")
    with pytest.raises(UserError, match="None"):
        read(safetensors.numpy.save(arrays()), "here")


def test_a_large_file_is_not_looked_at(monkeypatch):
    payload = write(Forest.of(arrays()))
    monkeypatch.setattr("fedaffect.inference.forest.MAXIMUM_BYTES", len(payload) - 1)
    with pytest.raises(UserError, match="bytes; at most"):
        read(payload, "here")


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_is_read_predicts(data):
    """Bytes altered anywhere are refused in one line, or still make a forest with probabilities."""
    payload = bytearray(write(Forest.of(arrays())))
    for place in data.draw(st.lists(st.integers(0, len(payload) - 1), min_size=1, max_size=3)):
        payload[place] = data.draw(st.integers(0, 255))
    try:
        forest = read(bytes(payload), "here")
    except UserError:
        return
    found = forest.predict(np.zeros((2, forest.columns), np.float32))
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-3)


def test_neither_torch_nor_scikit_learn():
    code = (
        "import sys, fedaffect.inference.forest, fedaffect.federation.algorithms.forest; "
        "assert not {'torch', 'sklearn', 'scipy'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
