import builtins
import functools
import os
import pickle
import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fedaffect.corpus.formats import unpickler
from fedaffect.errors import UserError

PLAIN = [
    {"array": np.arange(6.0).reshape(2, 3), 1: [np.float32(2.5), np.str_("x"), np.str_("")]},
    {"a", "b"},
    (1, -2.5, None, True, 10**30),
    frozenset({3}),
    [b"", b"\xff\x00", "café"],
    np.asfortranarray(np.eye(3, dtype=np.float16)[:, :2]),
    np.array([1, 2], ">i4"),
    np.array(["ab", "c"]),
    np.array([1, "q", None], dtype=object),
    np.zeros((0, 4)),
    np.array(3.5),
]


def equal(left: object, right: object) -> bool:
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        same = left.shape == right.shape and left.dtype.kind == right.dtype.kind
        return same and bool((left == right).all())
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(map(equal, left.values(), right.values()))
    return bool(left == right)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_comes_back(protocol, pickles, tmp_path):
    file = pickles.write(tmp_path / "plain.pkl", PLAIN, protocol)
    assert equal(PLAIN, unpickler.load(file))


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_python_2_byte_strings_are_latin_1_and_arrays_whole(protocol, pickles, tmp_path):
    file = pickles.write_python2(tmp_path / "old.pkl", PLAIN, protocol)
    assert b"numpy.core.multiarray" in file.read_bytes()
    assert b"_codecs" not in file.read_bytes()
    read = unpickler.load(file)
    assert read[4] == ["", "\xff\x00", "café"]
    assert equal([*PLAIN[:4], *PLAIN[5:]], [*read[:4], *read[5:]])


def hostile(canary: Path, pickles) -> dict[str, object]:
    touch = f"touch {canary}"
    python = f"open({str(canary)!r}, 'w')"
    partial = functools.partial(os.system, touch)
    return {
        "system": pickles.Calls(os.system, touch),
        "eval": pickles.Calls(eval, python),
        "exec": pickles.Calls(exec, python),
        "open": pickles.Calls(open, str(canary), "w"),
        "getattr": pickles.Calls(getattr, pickles.Calls(__import__, "os"), "system"),
        "partial": partial,
        "numpy load": pickles.Calls(np.load, str(canary)),
        "numpy memmap": pickles.Calls(np.memmap, str(canary), "u1", "w+", 0, (1,)),
        "path": canary,
        "bytearray": pickles.Calls(bytearray, 10),
        "bytes of a number": pickles.Calls(bytes, 2**40),
        "rot13": b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00rot13\x86R.",
        "old class": f"(S'{touch}'\nios\nsystem\n.".encode(),
        "old object": f"(cos\nsystem\nS'{touch}'\no.".encode(),
        "new object": b"\x80\x02c__builtin__\nset\n)\x81.",
        "persistent id": b"Pname\n.",
        "extension": b"\x80\x02\x82\x01.",
        "dotted": b"\x80\x04\x8c\x08builtins\x8c\x0aset.__call\x93.",
        "stack global": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c"
        + struct.pack("B", len(touch))
        + touch.encode()
        + b"\x85R.",
    }


KINDS = sorted(hostile(Path("canary"), SimpleNamespace(Calls=lambda *_: None)))


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_hostile_runs(kind, nested, pickles, tmp_path):
    canary = tmp_path / "canary"
    value = hostile(canary, pickles)[kind]
    file = tmp_path / "hostile.pkl"
    if isinstance(value, bytes):
        file.write_bytes(b"]" + value[:-1] + b"a." if nested and value[:1] != b"\x80" else value)
    else:
        pickles.write(file, [{"Ses01F_impro01": [1, value]}] if nested else value)
    with pytest.raises(UserError, match=r"hostile\.pkl: refused: it asks for"):
        unpickler.load(file)
    assert not canary.exists()


def test_the_canary_would_sing(pickles, tmp_path):
    """The hostile files are truly so: the standard unpickler carries them out."""
    canary = tmp_path / "canary"
    pickle.loads(pickle.dumps(hostile(canary, pickles)["system"]))  # noqa: S301
    assert canary.exists()


@pytest.mark.parametrize(
    ("function", "named"),
    [(os.system, "system"), (eval, "eval"), (functools.partial, "partial"), (np.load, "load")],
)
def test_the_message_names_what_was_refused(function, named, pickles, tmp_path):
    file = pickles.write(tmp_path / "x.pkl", [pickles.Calls(function, "1")])
    with pytest.raises(UserError, match=rf"refused: it asks for `[\w.]+\.{named}`"):
        unpickler.load(file)


def array_pickle(shape: bytes, dtype: bytes, state: bytes, content: bytes) -> bytes:
    """An array as numpy pickles it, with whatever is given for its parts."""
    return (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01" + shape + b"cnumpy\ndtype\nU" + bytes([len(dtype)]) + dtype + b"K\x00K\x01\x87R"
        b"(K\x03U\x01<" + state + b"tb" + b"\x89" + content + b"tb."
    )


PLAIN_STATE = b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00"


def test_the_made_up_array_is_read_when_its_parts_agree(tmp_path):
    file = tmp_path / "x.pkl"
    file.write_bytes(array_pickle(b"K\x02\x85", b"i2", PLAIN_STATE, b"U\x04\x01\x00\x02\x00"))
    np.testing.assert_array_equal(unpickler.load(file), np.array([1, 2], np.int16))


@pytest.mark.parametrize(
    ("shape", "dtype", "state", "content"),
    [
        (b"\x8a\x06\x00\x00\x00\x00\x00\x10\x85", b"f8", PLAIN_STATE, b"U\x04abcd"),
        (b"J\xff\xff\xff\xff\x85", b"u1", PLAIN_STATE, b"U\x04abcd"),
        (b"K\x02\x85", b"O8", PLAIN_STATE, b"U\x10abcdefghabcdefgh"),
        (b"K\x02\x85", b"O8", PLAIN_STATE, b"]"),
        (b"K\x01\x85", b"V8", PLAIN_STATE, b"U\x08abcdefgh"),
        (b"K\x01\x85", b"M8", PLAIN_STATE, b"U\x08abcdefgh"),
        (b"K\x01\x85", b"u1", b"NU\x01a}NNK\x00", b"U\x01a"),
    ],
    ids=["huge", "negative", "pointers", "few objects", "void", "dates", "structured"],
)
def test_arrays_whose_parts_disagree_are_refused(shape, dtype, state, content, tmp_path):
    file = tmp_path / "x.pkl"
    file.write_bytes(array_pickle(shape, dtype, state, content))
    with pytest.raises(UserError):
        unpickler.load(file)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04\x8e" + struct.pack("<Q", 2**50) + b"abc.",
        b"\x80\x02T" + struct.pack("<i", 2**31 - 1) + b"abc.",
        b"\x80\x04\x95" + struct.pack("<Q", 2**50) + b"N.",
        b"\x80\x02Nr" + struct.pack("<I", 2**32 - 1) + b".",
        b"",
        b"\x80",
        b"\x80\x02N",
        b"\x80\x02}(K\x01u.",
    ],
    ids=["bytes", "string", "frame", "memo", "empty", "start", "no end", "odd"],
)
def test_declared_sizes_that_the_file_does_not_hold(data, tmp_path):
    file = tmp_path / "x.pkl"
    file.write_bytes(data)
    with pytest.raises(UserError, match=r"x\.pkl: "):
        unpickler.load(file)


def test_every_truncation_is_one_clear_line(pickles, tmp_path):
    whole = pickles.write(tmp_path / "x.pkl", PLAIN).read_bytes()
    file = tmp_path / "cut.pkl"
    for length in range(0, len(whole) - 1, 7):
        file.write_bytes(whole[:length])
        with pytest.raises(UserError, match="truncated or damaged pickle"):
            unpickler.load(file)


def test_too_large_a_file_is_not_opened(pickles, tmp_path):
    file = pickles.write(tmp_path / "x.pkl", PLAIN)
    with pytest.raises(UserError, match="pickles of at most 10 are read"):
        unpickler.load(file, maximum_bytes=10)


def test_no_pickle_changes_what_a_global_does(tmp_path):
    """BUILD sets attributes of what stands on the stack; the stand-ins have none to set."""
    file = tmp_path / "x.pkl"
    for target in (b"cnumpy\ndtype\n", b"c__builtin__\nset\n", b"c_codecs\nencode\n"):
        file.write_bytes(b"\x80\x02" + target + b"N}U\x08__call__K\x01s\x86b.")
        with pytest.raises(UserError, match="truncated or damaged"):
            unpickler.load(file)
        file.write_bytes(b"\x80\x02" + target + b"}U\x08__call__K\x01sb.")
        with pytest.raises(UserError, match="truncated or damaged"):
            unpickler.load(file)
    assert builtins.set is set


@pytest.mark.parametrize("protocol", range(6))
def test_the_first_key_is_told_without_reading_on(protocol, tmp_path):
    file = tmp_path / "x"
    whole = pickle.dumps({"signal": {"wrist": np.ones(9999)}, "label": 2}, protocol)
    for content in (whole, whole[:1024]):
        file.write_bytes(content)
        assert unpickler.first_key(file) == "signal"


@pytest.mark.parametrize(
    "content", [{}, [1, 2], [{"signal": 1}], {3: 4}, None, "signal", b"signal"]
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_what_has_no_first_key(content, protocol, tmp_path):
    file = tmp_path / "x"
    file.write_bytes(pickle.dumps(content, protocol))
    assert unpickler.first_key(file) is None


@pytest.mark.parametrize("content", [b"", b"hello", b"\x80", b"\x80\x04}", b"(dp0\nS'sig", b"PK"])
def test_no_pickle_has_no_first_key(content, tmp_path):
    (tmp_path / "x").write_bytes(content)
    assert unpickler.first_key(tmp_path / "x") is None
