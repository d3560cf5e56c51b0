"""A corpus on disk: `corpus.json` to read, `arrays.safetensors` to compute with, nothing to execute."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import safetensors
import safetensors.numpy
from pydantic import Field

from fedaffect.corpus.check import ensure_sound
from fedaffect.corpus.schema import ConversationCorpus, Pairing, Provenance
from fedaffect.errors import UserError
from fedaffect.experiment import Section, validated
from fedaffect.schema import Array, Modality

INDEX = "corpus.json"
ARRAYS = "arrays.safetensors"
FORMAT = "fedaffect conversation corpus"
MAXIMUM_INDEX_BYTES = 2**26
MAXIMUM_ARRAYS_BYTES = 2**34
_COLUMNS = ("label", "person", "split", "conversation", "turn", "role")
_DTYPES = {
    **{"F16": "float16", "F32": "float32", "F64": "float64", "BOOL": "bool"},
    **{
        f"{letter}{bits}": f"{name}{bits}"
        for letter, name in (("I", "int"), ("U", "uint"))
        for bits in (8, 16, 32, 64)
    },
}


class _StoredModality(Section):
    shape: tuple[int, ...]
    dtype: str


class _StoredArrays(Section):
    bytes: int = Field(ge=0, le=MAXIMUM_ARRAYS_BYTES)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class _StoredProvenance(Section):
    source: str
    sha256: str
    reader: str
    synthetic: bool
    pairing: Pairing


class _Index(Section):
    """The fields of `corpus.json`."""

    format: Literal["fedaffect conversation corpus"]
    version: Literal[1]
    name: str
    items: int = Field(ge=1)
    classes: tuple[str, ...]
    persons: tuple[str, ...]
    conversations: tuple[str, ...]
    modalities: dict[str, _StoredModality]
    votes: str | None = None  # their dtype
    provenance: _StoredProvenance
    arrays: _StoredArrays


def save(corpus: ConversationCorpus, folder: str | Path) -> None:
    """Write a sound corpus to `folder`, replacing a corpus that is there.

    Everything is written aside and renamed, so that an interrupted call leaves what was there before.

    Raises:
        UserError: the corpus has errors, `folder` holds something else than a corpus, or cannot be
            written.
    """
    ensure_sound(corpus)
    target = Path(folder).absolute()
    _ensure_replaceable(target)
    aside = target.with_name(f".{target.name}.{os.getpid()}.writing")
    old = target.with_name(f".{target.name}.{os.getpid()}.old")
    try:
        aside.mkdir(parents=True)
        (aside / ARRAYS).write_bytes(safetensors.numpy.save(_arrays(corpus)))
        index = json.dumps(_index(corpus, aside / ARRAYS), indent=1, ensure_ascii=False)
        (aside / INDEX).write_text(index + "\n", encoding="utf-8")
        for written in (aside / ARRAYS, aside / INDEX):
            _flush(written)
        if target.exists():
            target.rename(old)
        aside.rename(target)
    except BaseException as error:
        if old.exists() and not target.exists():
            old.rename(target)
        if isinstance(error, OSError):
            raise UserError(
                f"{folder}: cannot be written: {error.strerror or error}; make room there, or name another "
                "folder"
            ) from None
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)


def load(folder: str | Path, *, check: bool = True) -> ConversationCorpus:
    """Map a stored corpus; sizes, names and the hash are looked at before any array is used.

    Its arrays are read-only views of the file, so that processes which open the same corpus, or are
    handed it (`multiprocessing`), share one copy in memory.

    Args:
        check: also refuse a corpus with errors (`check.problems`); off to list them all.

    Raises:
        UserError: no corpus folder, a missing, truncated or altered file, or an error in the corpus.
    """
    folder = Path(folder)
    index = _read_index(folder / INDEX)
    arrays = _read_arrays(folder / ARRAYS, index)
    corpus = ConversationCorpus(
        name=index.name,
        classes=index.classes,
        features={m: arrays[f"feature/{m}"] for m in index.modalities},
        present={m: arrays[f"present/{m}"] for m in index.modalities},
        persons=index.persons,
        conversations=index.conversations,
        provenance=Provenance(**index.provenance.model_dump()),
        votes=arrays.get("votes"),
        **{column: arrays[column] for column in _COLUMNS},
    )
    if check:
        ensure_sound(corpus, folder)
    return corpus


def _arrays(corpus: ConversationCorpus) -> dict[str, Array]:
    arrays = {column: getattr(corpus, column) for column in _COLUMNS}
    arrays |= {f"feature/{m}": array for m, array in corpus.features.items()}
    arrays |= {f"present/{m}": array for m, array in corpus.present.items()}
    if corpus.votes is not None:
        arrays["votes"] = corpus.votes
    return {
        name: np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
        for name, array in arrays.items()
    }


def _index(corpus: ConversationCorpus, arrays: Path) -> dict[str, object]:
    return {
        "format": FORMAT,
        "version": 1,
        "name": corpus.name,
        "items": len(corpus),
        "classes": corpus.classes,
        "persons": corpus.persons,
        "conversations": corpus.conversations,
        "modalities": {
            m.name: {"shape": m.shape, "dtype": m.dtype} for m in corpus.modalities.values()
        },
        "votes": None if corpus.votes is None else str(corpus.votes.dtype),
        "provenance": asdict(corpus.provenance),
        "arrays": {"bytes": arrays.stat().st_size, "sha256": sha256_of(arrays)},
    }


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _ensure_replaceable(target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise UserError(f"{target}: a file is there; name a new folder")
    others = sorted({path.name for path in target.iterdir()} - {INDEX, ARRAYS})
    if others:
        raise UserError(f"{target}: holds something else ({others[0]}); name a new folder")
    index = target / INDEX
    # Only the mark is looked for, so that a damaged corpus can be imported again in its place.
    if index.exists() and FORMAT.encode() not in index.read_bytes()[:200]:
        raise UserError(f"{index}: not written by fedaffect; name a new folder")


def _read_index(file: Path) -> _Index:
    if not file.is_file():
        raise UserError(
            f"{file.parent}: not a corpus folder (no {INDEX}); "
            "make one with `fedaffect data import FILE --out DIR`"
        )
    if file.stat().st_size > MAXIMUM_INDEX_BYTES:
        raise UserError(f"{file}: more than {MAXIMUM_INDEX_BYTES} bytes; import the corpus again")
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise UserError(f"{file}: not readable as JSON; import the corpus again") from None
    if not isinstance(table, dict) or table.get("format") != FORMAT:
        raise UserError(f"{file}: format: not `{FORMAT}`; give a folder made by `data import`")
    return validated(_Index, table, str(file))


def _read_arrays(file: Path, index: _Index) -> dict[str, Array]:
    """The arrays of the file, each with the shape and dtype that the index promises."""
    again = "import the corpus again"
    if not file.is_file():
        raise UserError(f"{file}: missing; {again}")
    if file.stat().st_size != index.arrays.bytes:
        raise UserError(
            f"{file}: {file.stat().st_size} bytes instead of {index.arrays.bytes}; {again}"
        )
    if sha256_of(file) != index.arrays.sha256:
        raise UserError(f"{file}: SHA-256 differs from the one in {INDEX}; {again}")
    try:
        arrays = _mapped(file)
    except (safetensors.SafetensorError, KeyError, ValueError, TypeError) as error:
        raise UserError(f"{file}: not readable as safetensors ({error}); {again}") from None
    expected = {column: Modality(column, (), "int64") for column in _COLUMNS}
    for name, stored in index.modalities.items():
        expected[f"feature/{name}"] = Modality(name, stored.shape, stored.dtype)
        expected[f"present/{name}"] = Modality(name, (), "bool")
    if index.votes:
        expected["votes"] = Modality("votes", (len(index.classes),), index.votes)
    if set(arrays) != set(expected):
        name = sorted(set(arrays) ^ set(expected))[0]
        raise UserError(f"{file}: {name}: stands only in one of {ARRAYS} and {INDEX}; {again}")
    for name, modality in expected.items():
        found, shape = arrays[name], (index.items, *modality.shape)
        if found.shape != shape or str(found.dtype) != modality.dtype:
            raise UserError(
                f"{file}: {name}: {found.dtype}{list(found.shape)} instead of "
                f"{modality.dtype}{list(shape)}; {again}"
            )
    return arrays


class _Mapped(np.memmap[Any, Any]):
    """An array of a stored corpus; the file stays open, whatever becomes of its name."""

    stream: BinaryIO


def _mapped(file: Path) -> dict[str, Array]:
    """The arrays of a safetensors file, mapped where they lie; the library has checked its header."""
    with safetensors.safe_open(file, "numpy"):
        pass
    stream = file.open("rb")
    size = int.from_bytes(stream.read(8), "little")
    header = json.loads(stream.read(size))
    header.pop("__metadata__", None)
    return {
        name: _map(
            stream,
            _DTYPES[entry["dtype"]],
            8 + size + entry["data_offsets"][0],
            tuple(entry["shape"]),
        )
        for name, entry in header.items()
    }


def _map(stream: BinaryIO, dtype: str, offset: int, shape: tuple[int, ...]) -> Array:
    if 0 in shape:
        return np.empty(shape, dtype)
    array = _Mapped(stream, dtype, "r", offset, shape)
    array.stream = stream
    return array


def _map_again(path: str, dtype: str, offset: int, shape: tuple[int, ...]) -> Array:
    return _map(Path(path).open("rb"), dtype, offset, shape)


def _by_reference(array: _Mapped) -> tuple[Callable[..., Array], tuple[Any, ...]]:
    """How a mapped array goes to another process: as where it lies. A part of one goes as numbers.

    By the open file, not by its name: the corpus may have been imported anew in the meantime. Where the
    system does not show a process's open files, as numbers too.
    """
    if hasattr(array, "stream"):
        opened = Path(f"/proc/{os.getpid()}/fd/{array.stream.fileno()}")
        if opened.exists():
            return _map_again, (str(opened), str(array.dtype), array.offset, array.shape)
    return np.array, (np.asarray(array),)


ForkingPickler.register(_Mapped, _by_reference)


def _flush(file: Path) -> None:
    """To the disk, so that a rename never outlives the bytes it names."""
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
