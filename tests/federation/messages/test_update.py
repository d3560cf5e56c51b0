"""What crosses the boundary, as bytes and back."""

import json
from contextlib import suppress

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fedaffect.errors import UserError
from fedaffect.federation.messages import update as module
from fedaffect.federation.messages.update import Update, longest_prefix

DTYPES = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1")
# Surrogates are no text; everything else is a name that a user may choose.
NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12).filter(
    lambda name: not name.startswith("blob/")
)
TENSORS = st.dictionaries(
    NAMES,
    st.sampled_from(DTYPES).flatmap(
        lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0))
    ),
    max_size=6,
)
FLOATS = st.dictionaries(NAMES, st.floats(allow_nan=False), max_size=4)
UPDATES = st.builds(
    Update,
    TENSORS,
    FLOATS,
    FLOATS,
    FLOATS,
    st.dictionaries(NAMES, st.binary(max_size=40), max_size=3),
)


@given(UPDATES)
@settings(max_examples=150, deadline=None)
def test_comes_back_as_it_was(update):
    back = Update.decode(update.encode())
    assert back.tensors.keys() == update.tensors.keys()
    for name, array in update.tensors.items():
        assert back.tensors[name].dtype == array.dtype
        assert back.tensors[name].shape == array.shape
        assert back.tensors[name].tobytes() == array.tobytes()
    for part in ("weights", "fallback", "scalars", "blobs"):
        assert getattr(back, part) == getattr(update, part)


@given(UPDATES)
@settings(max_examples=150, deadline=None)
def test_size_is_known_without_encoding(update):
    assert update.encoded_size == len(update.encode())


def test_size_does_not_depend_on_how_offsets_happen_to_print():
    """Tensors are ordered by dtype; other orders give offsets of other lengths."""
    sizes = [1, 9, 10, 99, 100, 999, 1000, 9999]
    random = np.random.default_rng(0)
    for _ in range(100):
        chosen = random.choice(DTYPES, size=6)
        tensors = {f"{i}": np.zeros(random.choice(sizes), d) for i, d in enumerate(chosen)}
        update = Update(tensors)
        assert update.encoded_size == len(update.encode()), chosen


def test_views_and_slices_travel_as_what_they_show():
    table = np.arange(12, dtype=np.float32).reshape(3, 4)
    back = Update.decode(Update({"t": table.T, "column": table[:, 1]}).encode())
    np.testing.assert_array_equal(back.tensors["t"], table.T)
    np.testing.assert_array_equal(back.tensors["column"], [1, 5, 9])


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_garbage_is_refused(payload):
    with pytest.raises(UserError, match="update"):
        Update.decode(payload)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_changed_byte_is_refused_or_gives_an_update(data):
    """Nothing but `UserError` ever comes out of a damaged payload."""
    payload = bytearray(Update({"a": np.arange(3.0)}, {"a": 1.0}, blobs={"b": b"xyz"}).encode())
    payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    with suppress(UserError):
        Update.decode(bytes(payload))


@pytest.mark.parametrize(
    "parts",
    [
        [],
        None,
        {"weights": {}},
        {"weights": [], "fallback": {}, "scalars": {}},
        {"weights": {"a": "1"}, "fallback": {}, "scalars": {}},
        {"weights": {}, "fallback": {}, "scalars": {"loss": None}},
        {"weights": {}, "fallback": {}, "scalars": {"loss": [1.0]}},
    ],
)
def test_parts_of_another_kind_are_refused(parts):
    payload = safetensors.numpy.save({}, metadata={"update": json.dumps(parts)})
    with pytest.raises(UserError, match="update"):
        Update.decode(payload)


def test_deep_nesting_is_refused():
    payload = safetensors.numpy.save({}, metadata={"update": "[" * 100_000})
    with pytest.raises(UserError, match="update"):
        Update.decode(payload)


def test_a_payload_that_is_too_large_is_not_looked_at(monkeypatch):
    payload = Update({"a": np.zeros(100)}).encode()
    monkeypatch.setattr(module, "MAXIMUM_BYTES", 100)
    with pytest.raises(UserError, match="at most 100"):
        Update.decode(payload)


def test_the_longest_prefix_wins():
    weights = {"": 0.5, "model": 1.0, "model/gate": 2.0, "prototype/fused/3": 3.0}
    assert longest_prefix(weights, "model/gate/weight") == 2.0
    assert longest_prefix(weights, "model/gate") == 2.0
    assert longest_prefix(weights, "model/head") == 1.0
    assert longest_prefix(weights, "prototype/fused/3") == 3.0


def test_prefixes_are_whole_segments():
    weights = {"model": 1.0, "prototype/fused/3": 3.0}
    assert longest_prefix(weights, "models/gate") is None
    assert longest_prefix(weights, "prototype/fused/33") is None


def test_a_weight_of_zero_is_a_weight():
    assert longest_prefix({"model": 1.0, "model/gate": 0.0}, "model/gate/weight") == 0.0
