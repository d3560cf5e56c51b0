"""From flat columns, a row an utterance, to a corpus: what every tabular format has in common."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from fedaffect.corpus.schema import ConversationCorpus, Provenance
from fedaffect.errors import UserError
from fedaffect.schema import SPLITS, Array, Flags, Integers

REQUIRED = ("label", "label_names", "dialogue", "turn", "split")
NAMES = ("label_names", "dialogue_names", "speaker_names")
COLUMNS = ("label", "dialogue", "turn", "split", "role", "speaker")
VOTES = "votes"
MAXIMUM_BYTES = 2**33


def assemble(
    where: Path,
    columns: Mapping[str, Array],
    features: Mapping[str, Array],
    present: Mapping[str, Array],
    *,
    name: str,
    provenance: Provenance,
) -> ConversationCorpus:
    """The corpus of these columns; rows are put into the order (dialogue, turn).

    Args:
        where: the file that an error shall name.
        columns: `COLUMNS`, each [items], `NAMES`, and `VOTES` [items, classes], of which role, speaker, the
            last two names and the votes may lack; docs/neutral-layout.md says what they mean. Others are
            let be.
        features: by modality, [items, *shape]; zeros are put where the modality is absent.
        present: by modality, bool [items]; present everywhere where a modality lacks here.

    Raises:
        UserError: columns that lack, are no integers, disagree in length or point nowhere. What can be
            said only of a whole corpus (overlapping splits …) is left to `check.problems`.
    """
    for key in REQUIRED:
        if key not in columns:
            raise UserError(f"{where}: {key}: missing; the neutral layout needs it")
    label = integers(where, columns, "label")
    items = len(label)
    for key in COLUMNS:
        if key in columns and columns[key].shape != label.shape:
            raise UserError(f"{where}: {key}: {kind(columns[key])}, but label has {items} rows")
    if not features:
        raise UserError(f"{where}: no modality; add an array [{items}, width] of floats")

    dialogue, conversations = _dialogues(where, columns)
    turn = integers(where, columns, "turn")
    role = _roles(where, columns, dialogue, turn)
    person, persons = _persons(where, columns, dialogue, role, conversations)
    there = {m: _present(where, present, m, items) for m in features}
    indices = {"label": label, "turn": turn, "role": role, "person": person}
    indices |= {"conversation": dialogue, "split": _splits(where, columns)}
    for modality, array in features.items():
        if len(array) != items:
            raise UserError(f"{where}: {modality}: {len(array)} rows, but label has {items}")

    order = np.lexsort((turn, dialogue))
    classes = texts(where, columns["label_names"], "label_names")
    votes = _votes(where, columns[VOTES], (items, len(classes))) if VOTES in columns else None
    return ConversationCorpus(
        name=name,
        classes=classes,
        features={m: _where(there[m], a)[order] for m, a in features.items()},
        present={m: a[order] for m, a in there.items()},
        persons=persons,
        conversations=conversations,
        provenance=provenance,
        votes=None if votes is None else votes[order],
        **{key: array[order] for key, array in indices.items()},
    )


def stacked(
    file: Path, vectors: Iterable[tuple[str, Array | None]], count: int
) -> tuple[Array, Flags] | None:
    """The vectors of `count` rows, each with what an error shall call it; None = there is none.

    Returns:
        float32 [count, width] with zeros where there is none, and bool [count]: where there is one; or None
        where there is none at all.

    Raises:
        UserError: vectors of different widths, or too wide for memory.
    """
    values: Array | None = None
    present, first = np.zeros(count, bool), ""
    for row, (name, vector) in enumerate(vectors):
        if vector is None:
            continue
        width = len(vector)
        if values is None:
            if 4 * width * count > MAXIMUM_BYTES:
                raise UserError(f"{file}: {name}: {width} wide; too many for memory; give fewer")
            first, values = name, np.zeros((count, width), np.float32)
        if width != values.shape[1]:
            raise UserError(
                f"{file}: {name}: {width} wide, but {values.shape[1]} in {first}; give all one width"
            )
        with np.errstate(over="ignore"):  # becomes Inf, which the check then reports
            values[row], present[row] = vector, True
    return None if values is None else (values, present)


def kind(array: Array) -> str:
    """How an error calls an array: `float32[3, 4]`."""
    return f"{array.dtype}{list(array.shape)}"


def integers(where: Path, columns: Mapping[str, Array], key: str) -> Integers:
    """int64 [items] of whole numbers of any width."""
    array = columns[key]
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise UserError(f"{where}: {key}: {kind(array)} instead of integers [items]")
    return array.astype(np.int64)


def texts(where: Path, array: Array, key: str) -> tuple[str, ...]:
    """The texts of an array [n]."""
    if array.dtype.kind != "U" or array.ndim != 1:
        raise UserError(f"{where}: {key}: {kind(array)} instead of strings")
    return tuple(array.tolist())


def _dialogues(where: Path, columns: Mapping[str, Array]) -> tuple[Integers, tuple[str, ...]]:
    """Indices into the names; without names, numbers that leave gaps are closed up."""
    dialogue = integers(where, columns, "dialogue")
    if "dialogue_names" not in columns:
        numbers, index = np.unique(dialogue, return_inverse=True)
        return index.astype(np.int64), tuple(f"dialogue-{number}" for number in numbers)
    names = texts(where, columns["dialogue_names"], "dialogue_names")
    return within(where, dialogue, "dialogue", names), names


def _roles(
    where: Path, columns: Mapping[str, Array], dialogue: Integers, turn: Integers
) -> Integers:
    """The file's roles, or the speakers of each dialogue by first appearance, or 0 for everyone."""
    if "role" in columns:
        return integers(where, columns, "role")
    role = np.zeros(len(dialogue), np.int64)
    if "speaker" not in columns:
        return role
    speaker = integers(where, columns, "speaker")
    met: dict[int, dict[int, int]] = {}
    for row in np.lexsort((turn, dialogue)):
        known = met.setdefault(int(dialogue[row]), {})
        role[row] = known.setdefault(int(speaker[row]), len(known))
    return role


def _persons(
    where: Path,
    columns: Mapping[str, Array],
    dialogue: Integers,
    role: Integers,
    conversations: tuple[str, ...],
) -> tuple[Integers, tuple[str, ...]]:
    """The file's speakers, or one person for each role of each dialogue."""
    if "speaker" in columns:
        speaker = integers(where, columns, "speaker")
        if "speaker_names" in columns:
            names = texts(where, columns["speaker_names"], "speaker_names")
            return within(where, speaker, "speaker", names), names
        numbers, person = np.unique(speaker, return_inverse=True)
        return person.astype(np.int64), tuple(f"speaker-{number}" for number in numbers)
    pairs, person = np.unique(np.stack([dialogue, role], axis=1), axis=0, return_inverse=True)
    persons = tuple(f"{conversations[d]}/role-{r}" for d, r in pairs)
    return person.reshape(-1).astype(np.int64), persons


def _votes(where: Path, array: Array, shape: tuple[int, int]) -> Array:
    if array.dtype.kind not in "iuf" or array.shape != shape:
        raise UserError(f"{where}: {VOTES}: {kind(array)} instead of numbers {list(shape)}")
    return array


def within(where: Path, index: Integers, key: str, names: Sequence[str]) -> Integers:
    """The indices, if all of them are of one of the names."""
    wrong = (index < 0) | (index >= len(names))
    if wrong.any():
        row = int(wrong.argmax())
        raise UserError(f"{where}: {key}: row {row} is {index[row]}, but {len(names)} are named")
    return index


def _splits(where: Path, columns: Mapping[str, Array]) -> Integers:
    array = columns["split"]
    if array.dtype.kind != "U" or array.ndim != 1:
        raise UserError(f"{where}: split: {kind(array)} instead of strings")
    unknown = sorted({*np.unique(array).tolist()} - {*SPLITS})
    if unknown:
        raise UserError(f"{where}: split: `{unknown[0]}`; use one of {', '.join(SPLITS)}")
    return np.select([array == split for split in SPLITS], range(len(SPLITS))).astype(np.int64)


def _present(where: Path, present: Mapping[str, Array], modality: str, items: int) -> Array:
    there = present.get(modality, np.ones(items, bool))
    if there.dtype != bool or there.shape != (items,):
        raise UserError(f"{where}: {modality}_present: {kind(there)} instead of bool[{items}]")
    return there


def _where(present: Array, features: Array) -> Array:
    """Zeros where the modality is absent, whatever the file holds there."""
    if present.all():
        return features
    return np.where(
        present.reshape(-1, *[1] * (features.ndim - 1)), features, features.dtype.type(0)
    )
