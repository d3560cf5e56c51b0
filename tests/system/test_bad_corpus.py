"""A corpus that cannot be used: one line that says why, exit code 2, nothing written."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

IMPORT = ("data", "import")
RUN = ("run", "tiny.toml", "--out", "run")


def spoilt(key: str, row: int, value: Any) -> Callable[[dict[str, np.ndarray]], None]:
    def spoil(arrays: dict[str, np.ndarray]) -> None:
        arrays[key] = arrays[key].copy()
        arrays[key][row] = value

    return spoil


def unused_dialogue(arrays: dict[str, np.ndarray]) -> None:
    arrays["dialogue_names"] = np.array([f"talk-{i}" for i in range(13)])


def no_modality(arrays: dict[str, np.ndarray]) -> None:
    for key in ("text", "audio", "audio_present"):
        del arrays[key]


def audio_nowhere(arrays: dict[str, np.ndarray]) -> None:
    arrays["audio_present"] = np.zeros(60, bool)


def narrow_audio(arrays: dict[str, np.ndarray]) -> None:
    arrays["audio"] = arrays["audio"][:50]


CORPORA = {
    "nan": (
        spoilt("text", 7, np.nan),
        r"bad\.npz: modality text: NaN or Inf in 1 utterance, first in conversation `dialogue-1`, "
        r"turn 2; .*--non-finite drop",
    ),
    "inf": (spoilt("audio", 3, np.inf), r"bad\.npz: modality audio: NaN or Inf .*; mend"),
    "empty": (
        unused_dialogue,
        r"bad\.npz: conversation: 1 without an utterance.*`talk-12`; remove",
    ),
    "label": (spoilt("label", 4, 9), r"bad\.npz: label: 1 utterance .*unknown label.* 9 .*; use 0"),
    "split": (
        spoilt("split", 0, "test"),
        r"bad\.npz: split: 1 conversations in more than one split.*`dialogue-0`.*; give every",
    ),
    "split name": (spoilt("split", 0, "valid"), r"bad\.npz: split: `valid`; use one of train, dev"),
    "no train": (
        lambda arrays: arrays.update(split=np.full(60, "test")),
        r"bad\.npz: split: nothing to train on; put conversations into `train`",
    ),
    "no modality": (no_modality, r"bad\.npz: no modality; add an array"),
    "nowhere": (audio_nowhere, r"bad\.npz: modality audio: missing everywhere; leave it out"),
    "rows": (narrow_audio, r"bad\.npz: audio.*50"),
    "missing": (lambda arrays: arrays.pop("turn"), r"bad\.npz: turn: missing; the neutral layout"),
}


@pytest.mark.parametrize("kind", CORPORA)
def test_a_corpus_that_cannot_be_used(kind, place, layout, untouched, match):
    spoil, expected = CORPORA[kind]
    arrays = layout()
    spoil(arrays)
    np.savez(place / "bad.npz", **arrays)
    untouched()
    match(expected, place(*IMPORT, "bad.npz", "--out", "new").complaint)


def test_non_finite_vectors_are_dropped_on_demand(place, layout):
    arrays = layout()
    arrays["text"][7] = np.nan
    np.savez(place / "bad.npz", **arrays)
    said = place.ok(*IMPORT, "bad.npz", "--out", "new", "--non-finite", "drop")
    assert "dropped 1 vectors of text" in said


def test_a_modality_that_is_not_there(place, untouched, match):
    untouched()
    complaint = place(*IMPORT, "tiny.npz", "--modalities", "text,smell", "--out", "new").complaint
    match(r"tiny: no modality `smell`; it has: audio, text", complaint)


@pytest.mark.parametrize("kept", [0, 3, 100, 2_000, -30])
def test_truncated_npz(kept, place, untouched, match):
    whole = (place / "tiny.npz").read_bytes()
    (place / "cut.npz").write_bytes(whole[:kept])
    untouched()
    match(r"cut\.npz: ", place(*IMPORT, "cut.npz", "--out", "new").complaint)


class Hostile:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.canary),)


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("command", [("data", "check"), (*IMPORT, "--out", "new")])
def test_a_hostile_pickle_runs_nothing(command, protocol, place, untouched, match):
    canary = place / "canary"
    file = place / "features.pkl"
    file.write_bytes(pickle.dumps([{"a": Hostile(canary)}], protocol=protocol))
    untouched()
    match(r"features\.pkl: refused: it asks for `\w+\.mkdir`", place(*command, file).complaint)


def test_files_that_are_no_corpus(place, untouched, match):
    (place / "notes.txt").write_text("hello")
    untouched()
    match(r"notes\.txt: neither", place(*IMPORT, "notes.txt", "--out", "new").complaint)
    match(r"gone\.npz: no such file", place(*IMPORT, "gone.npz", "--out", "new").complaint)
    match(
        r"tiny\.npz/new: cannot be written",
        place(*IMPORT, "tiny.npz", "--out", "tiny.npz/new").complaint,
    )


def test_an_import_leaves_what_is_there(place, untouched, match):
    (place / "mine").mkdir()
    (place / "mine/thesis.tex").write_text("x")
    untouched()
    match(r"mine: holds something else", place(*IMPORT, "tiny.npz", "--out", "mine").complaint)
    done = place(*IMPORT, "tiny.npz", "--out", "new", file_limit=2_000)
    assert done.code == 2
    match("new: cannot be written: File too large; make room", done.complaint)


@pytest.mark.parametrize(
    ("file", "spoil", "expected"),
    [
        ("arrays.safetensors", lambda b: b[:-100], r"arrays\.safetensors: \d+ bytes instead of"),
        ("arrays.safetensors", lambda b: b[:-1] + b"\x07", r"arrays\.safetensors: SHA-256 differs"),
        ("corpus.json", lambda b: b[:-100], r"corpus\.json: not readable as JSON; import"),
        (
            "corpus.json",
            lambda b: b.replace(b'"items": 60', b'"items": -1'),
            r"corpus\.json: items",
        ),
    ],
    ids=["arrays cut", "arrays altered", "index cut", "index altered"],
)
def test_a_damaged_corpus(file, spoil, expected, place, untouched, match):
    path = place / "corpus" / file
    path.write_bytes(spoil(path.read_bytes()))
    untouched()
    match(expected, place("data", "describe", "corpus").complaint)
    match(expected, place(*RUN).complaint)
