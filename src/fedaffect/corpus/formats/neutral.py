"""The neutral layout: one `.npz` of flat arrays, a row an utterance. See docs/neutral-layout.md."""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from fedaffect.corpus.schema import SPLITS, Array, ConversationCorpus, Integers, Provenance
from fedaffect.errors import UserError

MAXIMUM_BYTES = 2**33
MAXIMUM_ARRAYS = 1000
_REQUIRED = ("label", "label_names", "dialogue", "turn", "split")
_NAMES = ("label_names", "dialogue_names", "speaker_names")
_COLUMNS = ("label", "dialogue", "turn", "split", "role", "speaker")
_PRESENT = "_present"
_TIMES = "start_end"


def read(file: Path, *, name: str, sha256: str) -> ConversationCorpus:
    """Read a file of the neutral layout; rows are put into the order (dialogue, turn).

    Raises:
        UserError: not an `.npz`, truncated, too large, or not of this layout. What can be said only of
            a whole corpus (labels out of range, overlapping splits …) is left to `check.problems`.
    """
    arrays = _arrays(file)
    for key in _REQUIRED:
        if key not in arrays:
            raise UserError(f"{file}: {key}: missing; the neutral layout needs it")
    label = _column(file, arrays, "label")
    items = len(label)
    for key in _COLUMNS:
        if key in arrays and arrays[key].shape != label.shape:
            raise UserError(f"{file}: {key}: {_kind(arrays[key])}, but label has {items} rows")
    features = {k: a for k, a in arrays.items() if _is_modality(k, a)}
    if not features:
        raise UserError(f"{file}: no modality; add an array [{items}, width] of floats")

    dialogue, conversations = _dialogues(file, arrays)
    turn = _column(file, arrays, "turn")
    role = _roles(file, arrays, dialogue, turn)
    person, persons = _persons(file, arrays, dialogue, role, conversations)
    present = {k: _present(file, arrays, k, items) for k in features}
    columns = {"label": label, "turn": turn, "role": role, "person": person}
    columns |= {"conversation": dialogue, "split": _splits(file, arrays)}
    for key, array in features.items():
        if len(array) != items:
            raise UserError(f"{file}: {key}: {len(array)} rows, but label has {items}")

    order = np.lexsort((turn, dialogue))
    return ConversationCorpus(
        name=name,
        classes=_names(file, arrays["label_names"], "label_names"),
        features={k: _where(present[k], a)[order] for k, a in features.items()},
        present={k: a[order] for k, a in present.items()},
        persons=persons,
        conversations=conversations,
        provenance=Provenance(file.name, sha256, _description(arrays, features)),
        **{k: array[order] for k, array in columns.items()},
    )


def _arrays(file: Path) -> dict[str, Array]:
    """Every array of the `.npz`, its declared size compared with what the file holds before reading."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            size = sum(member.file_size for member in members)
            if size > MAXIMUM_BYTES or len(members) > MAXIMUM_ARRAYS:
                raise UserError(
                    f"{file}: {len(members)} arrays of {size} bytes; "
                    f"at most {MAXIMUM_ARRAYS} of {MAXIMUM_BYTES} are read"
                )
            return {m.filename.removesuffix(".npy"): _array(file, archive, m) for m in members}
    except (
        *(zipfile.BadZipFile, zlib.error, OSError, EOFError),
        *(ValueError, RuntimeError, NotImplementedError, KeyError, MemoryError),
    ) as error:
        raise UserError(
            f"{file}: truncated or damaged .npz ({type(error).__name__}); fetch the file again"
        ) from None


def _array(file: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    with archive.open(member) as stream:
        version = npy.read_magic(stream)
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = header(stream)
        if dtype.hasobject:
            raise UserError(f"{file}: {member.filename}: Python objects; store numbers or strings")
        if stream.tell() + dtype.itemsize * int(np.prod(shape, dtype=object)) != member.file_size:
            raise UserError(f"{file}: {member.filename}: its size is not the one it declares")
    with archive.open(member) as stream:
        array: Array = npy.read_array(stream, allow_pickle=False)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _is_modality(key: str, array: Array) -> bool:
    """Floats with a width, or pictures of bytes; integer columns beside them are no modality."""
    if key in (*_REQUIRED, *_NAMES, *_COLUMNS, _TIMES):
        return False
    return (array.dtype.kind == "f" and array.ndim >= 2) or (
        array.dtype == np.uint8 and array.ndim >= 3
    )


def _column(file: Path, arrays: Mapping[str, Array], key: str) -> Integers:
    array = arrays[key]
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise UserError(f"{file}: {key}: {_kind(array)} instead of integers [items]")
    return array.astype(np.int64)


def _names(file: Path, array: Array, key: str) -> tuple[str, ...]:
    if array.dtype.kind != "U" or array.ndim != 1:
        raise UserError(f"{file}: {key}: {_kind(array)} instead of strings")
    return tuple(array.tolist())


def _dialogues(file: Path, arrays: Mapping[str, Array]) -> tuple[Integers, tuple[str, ...]]:
    """Indices into the names; without names, numbers that leave gaps are closed up."""
    dialogue = _column(file, arrays, "dialogue")
    if "dialogue_names" not in arrays:
        numbers, index = np.unique(dialogue, return_inverse=True)
        return index.astype(np.int64), tuple(f"dialogue-{number}" for number in numbers)
    names = _names(file, arrays["dialogue_names"], "dialogue_names")
    return _within(file, dialogue, "dialogue", names), names


def _roles(file: Path, arrays: Mapping[str, Array], dialogue: Integers, turn: Integers) -> Integers:
    """The file's roles, or the speakers of each dialogue by first appearance, or 0 for everyone."""
    if "role" in arrays:
        return _column(file, arrays, "role")
    role = np.zeros(len(dialogue), np.int64)
    if "speaker" not in arrays:
        return role
    speaker = _column(file, arrays, "speaker")
    met: dict[int, dict[int, int]] = {}
    for row in np.lexsort((turn, dialogue)):
        known = met.setdefault(int(dialogue[row]), {})
        role[row] = known.setdefault(int(speaker[row]), len(known))
    return role


def _persons(
    file: Path,
    arrays: Mapping[str, Array],
    dialogue: Integers,
    role: Integers,
    conversations: tuple[str, ...],
) -> tuple[Integers, tuple[str, ...]]:
    """The file's speakers, or one person for each role of each dialogue."""
    if "speaker" in arrays:
        speaker = _column(file, arrays, "speaker")
        if "speaker_names" in arrays:
            names = _names(file, arrays["speaker_names"], "speaker_names")
            return _within(file, speaker, "speaker", names), names
        numbers, person = np.unique(speaker, return_inverse=True)
        return person.astype(np.int64), tuple(f"speaker-{number}" for number in numbers)
    pairs, person = np.unique(np.stack([dialogue, role], axis=1), axis=0, return_inverse=True)
    persons = tuple(f"{conversations[d]}/role-{r}" for d, r in pairs)
    return person.reshape(-1).astype(np.int64), persons


def _within(file: Path, index: Integers, key: str, names: tuple[str, ...]) -> Integers:
    wrong = (index < 0) | (index >= len(names))
    if wrong.any():
        row = int(wrong.argmax())
        raise UserError(f"{file}: {key}: row {row} is {index[row]}, but {len(names)} are named")
    return index


def _splits(file: Path, arrays: Mapping[str, Array]) -> Integers:
    array = arrays["split"]
    if array.dtype.kind != "U" or array.ndim != 1:
        raise UserError(f"{file}: split: {_kind(array)} instead of strings")
    unknown = sorted({*np.unique(array).tolist()} - {*SPLITS})
    if unknown:
        raise UserError(f"{file}: split: `{unknown[0]}`; use one of {', '.join(SPLITS)}")
    return np.select([array == split for split in SPLITS], range(len(SPLITS))).astype(np.int64)


def _present(file: Path, arrays: Mapping[str, Array], key: str, items: int) -> Array:
    present = arrays.get(key + _PRESENT, np.ones(items, bool))
    if present.dtype != bool or present.shape != (items,):
        raise UserError(f"{file}: {key}{_PRESENT}: {_kind(present)} instead of bool[{items}]")
    return present


def _where(present: Array, features: Array) -> Array:
    """Zeros where the modality is absent, whatever the file holds there."""
    if present.all():
        return features
    return np.where(
        present.reshape(-1, *[1] * (features.ndim - 1)), features, features.dtype.type(0)
    )


def _description(arrays: Mapping[str, Array], features: Mapping[str, Array]) -> str:
    used = {*_REQUIRED, *_NAMES, *_COLUMNS, *features, *(k + _PRESENT for k in features)}
    unused = sorted(set(arrays) - used)
    return "neutral layout" + (f"; not read: {', '.join(unused)}" if unused else "")


def _kind(array: Array) -> str:
    return f"{array.dtype}{list(array.shape)}"
