"""Reading a pickle that a stranger made: plain containers and numpy arrays, nothing else, ever.

Three fences. The file is first read as a list of instructions, none of which is carried out: unknown
ones, ones that name anything but the few globals below, and declared sizes that the file does not
hold are refused there. Then every global is replaced by a function of this module. Numpy's own
reconstruction is never given a state that was not looked at: it trusts dtypes and lengths, and a made-up
one reads memory that it should not.
"""

import io
import pickle
import pickletools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fedaffect.errors import UserError

MAXIMUM_BYTES = 2**32

# All that protocols 0 to 5 need for numbers, strings, lists, tuples, dicts, sets and arrays. Not here:
# persistent ids, extension codes, and instances of classes (INST, OBJ, NEWOBJ).
_INSTRUCTIONS = frozenset(
    re.findall(
        r"\w+",
        """
        PROTO FRAME STOP MARK POP POP_MARK DUP
        MEMOIZE PUT BINPUT LONG_BINPUT GET BINGET LONG_BINGET
        NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT
        STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8
        BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8
        EMPTY_LIST LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3
        EMPTY_DICT DICT SETITEM SETITEMS EMPTY_SET ADDITEMS FROZENSET
        GLOBAL STACK_GLOBAL REDUCE BUILD
        """,
    )
)
_ASIDE = ("PROTO", "FRAME", "MARK", "MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT")
_BY_CODE = {instruction.code: instruction for instruction in pickletools.opcodes}
_DTYPE = re.compile(r"(?P<kind>[biuf])\d{1,2}|(?P<text>[SU])\d{1,6}|(?P<object>O)\d?")


def first_key(file: Path) -> str | None:
    """The text that a pickled dictionary begins with; None of anything else. Nothing is carried out.

    It tells files of different makers apart without reading what may be a gigabyte.
    """
    with file.open("rb") as stream:
        head = stream.read(1024)
    told = (
        (i.name, argument) for i, argument, _ in pickletools.genops(head) if i.name not in _ASIDE
    )
    try:
        (begin, _), (_, key) = next(told), next(told)
    except (ValueError, StopIteration):
        return None
    return key if begin in ("EMPTY_DICT", "DICT") and isinstance(key, str) else None


def load(file: Path, *, maximum_bytes: int = MAXIMUM_BYTES) -> Any:
    """The value in a pickle file: builtin containers, numbers, strings, numpy arrays and scalars.

    Byte strings of Python 2 become text, read as latin-1.

    Raises:
        UserError: larger than `maximum_bytes`, truncated or damaged, or anything but plain data in it
            (the message names what). Nothing of it was carried out.
    """
    if file.stat().st_size > maximum_bytes:
        raise UserError(
            f"{file}: {file.stat().st_size} bytes; pickles of at most {maximum_bytes} are read"
        )
    data = file.read_bytes()
    try:
        _look_through(data)
        return _PlainData(io.BytesIO(data), encoding="latin1").load()
    except _Refused as refused:
        raise UserError(
            f"{file}: refused: it asks for {refused}, which is no plain data; nothing was run; "
            "get the file from a source you trust, without code in it"
        ) from None
    except (
        Exception
    ) as error:  # a damaged pickle can raise anything; its text may quote an utterance
        raise UserError(
            f"{file}: truncated or damaged pickle ({type(error).__name__}); fetch the file again"
        ) from None


class _Refused(pickle.UnpicklingError):
    """What the pickle asked for."""


class _PlainData(pickle.Unpickler):
    def find_class(self, module: str, name: str, /) -> Any:
        return _allowed(module, name)


def _look_through(data: bytes) -> None:
    """Read the instructions without carrying one out; `pickletools` checks declared sizes."""
    stored = 0
    for name, argument in _instructions(io.BytesIO(data)):
        if name not in _INSTRUCTIONS:
            raise _Refused(f"the instruction {name}")
        if name == "GLOBAL":
            _allowed(*str(argument).split(" ", 1))
        if name.endswith("PUT") or name == "MEMOIZE":
            stored += 1
            # An index is the size of a table that the unpickler would make at once.
            if argument is not None and int(argument) > 2 * stored + 1024:
                raise _Refused(f"a memo of {argument} entries")


def _instructions(stream: io.BytesIO) -> Iterator[tuple[str, Any]]:
    """Names and arguments, as `pickletools.genops` reads them but for the strings of Python 2.

    Those it takes for ASCII, which the bytes of an array are not; here they are passed over unread.
    """
    name = ""
    while name != "STOP":
        instruction = _BY_CODE[stream.read(1).decode("latin-1")]
        name, argument = instruction.name, None
        if name == "STRING":
            stream.readline()
        elif instruction.arg is not None:
            argument = instruction.arg.reader(stream)
        yield name, argument


def _allowed(module: str, name: str) -> Any:
    # Python 2 and 3, numpy before and since 2.0 name the same things differently.
    home = module.replace("__builtin__", "builtins").replace("numpy._core", "numpy.core")
    try:
        return _GLOBALS[f"{home}.{name}"]
    except KeyError:
        raise _Refused(f"`{module}.{name}`") from None


class _DType:
    """A dtype as a pickle describes it; byte order comes with its state."""

    def __init__(self, code: object) -> None:
        text = _text(code)
        match = _DTYPE.fullmatch(text)
        if match is None:
            raise _Refused(f"arrays of dtype {text[:20]!r}")
        self._code = "O" if match["object"] else text
        self._order = "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = _text(state[1])
        if order not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
            raise _Refused("a structured dtype")
        self._order = order

    @property
    def numpy(self) -> np.dtype[Any]:
        return np.dtype(self._code if self._order == "|" else self._order + self._code)


class _Array(np.ndarray[Any, Any]):
    """An array that looks at its pickled state before numpy does."""

    def __setstate__(self, state: tuple[Any, ...], /) -> None:
        _, shape, dtype, fortran, content = state
        dtype, shape = _described(dtype), _checked(shape)
        count = int(np.prod(shape, dtype=object))
        if dtype.hasobject:
            if not isinstance(content, list) or len(content) != count:
                raise ValueError("objects missing")
        else:
            content = _bytes(content)
            if len(content) != count * dtype.itemsize:
                raise ValueError("bytes missing")
        super().__setstate__((1, shape, dtype, bool(fortran), content))  # type: ignore[arg-type]


class _Global:
    """Stands for one global. Without attributes, so that no pickle can change what it does."""

    __slots__ = ()


class _NdArray(_Global):
    """`numpy.ndarray`: only ever an argument."""

    __slots__ = ()


class _MakeDType(_Global):
    """`numpy.dtype(code, align, copy)`."""

    __slots__ = ()

    def __call__(self, code: object, *_: object) -> _DType:
        return _DType(code)


class _Reconstruct(_Global):
    """`numpy.core.multiarray._reconstruct(ndarray, (0,), b"b")`: empty until its state comes."""

    __slots__ = ()

    def __call__(self, kind: object, *_: object) -> _Array:
        if not isinstance(kind, _NdArray):
            raise _Refused("an array of another class")
        return _Array((0,), np.uint8)


class _Scalar(_Global):
    """`numpy.core.multiarray.scalar(dtype, bytes)`."""

    __slots__ = ()

    def __call__(self, dtype: object, content: object = b"") -> Any:
        described, raw = _described(dtype), _bytes(content)
        if described.hasobject:
            raise _Refused("a scalar object")
        if not described.itemsize:
            return described.type()
        return np.frombuffer(raw, described, count=1)[0]


class _FromBuffer(_Global):
    """`numpy.core.numeric._frombuffer(bytes, dtype, shape, order)`: arrays of protocol 5."""

    __slots__ = ()

    def __call__(self, content: object, dtype: object, shape: object, order: object) -> Any:
        described = _described(dtype)
        if described.hasobject:
            raise _Refused("objects from bytes")
        flat = np.frombuffer(_bytes(content), described)
        return flat.reshape(_checked(shape), order="F" if order == "F" else "C").copy()


class _Encode(_Global):
    """`_codecs.encode(text, "latin1")`: how Python 3 writes bytes in protocol 2."""

    __slots__ = ()

    def __call__(self, text: object, encoding: object) -> bytes:
        if _text(encoding) not in ("latin1", "latin-1"):
            raise _Refused("an encoding other than latin-1")
        return _text(text).encode("latin-1")


class _EmptyBytes(_Global):
    """`bytes()`: how Python 3 writes empty bytes in protocol 2; with a number it would fill memory."""

    __slots__ = ()

    def __call__(self, *arguments: object) -> bytes:
        if arguments:
            raise _Refused("bytes made from a value")
        return b""


_GLOBALS: dict[str, Callable[..., Any] | _Global] = {
    "numpy.ndarray": _NdArray(),
    "numpy.dtype": _MakeDType(),
    "numpy.core.multiarray._reconstruct": _Reconstruct(),
    "numpy.core.multiarray.scalar": _Scalar(),
    "numpy.core.numeric._frombuffer": _FromBuffer(),
    "_codecs.encode": _Encode(),
    "builtins.bytes": _EmptyBytes(),
    "builtins.set": set,
    "builtins.frozenset": frozenset,
}


def _described(dtype: object) -> np.dtype[Any]:
    if not isinstance(dtype, _DType):
        raise TypeError("no dtype")
    return dtype.numpy


def _checked(shape: object) -> tuple[int, ...]:
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise TypeError("no shape")
    return shape


def _text(value: object) -> str:
    """A string; Python 3 writes some as bytes."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if not isinstance(value, str):
        raise TypeError("no string")
    return value


def _bytes(value: object) -> bytes:
    """Bytes; those of Python 2 were decoded as latin-1."""
    return bytes(value) if isinstance(value, bytes | bytearray) else _text(value).encode("latin-1")
