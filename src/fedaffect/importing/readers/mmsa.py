"""MMSA's pickle: a dictionary train / valid / test of sequence features, a row an utterance of a video."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fedaffect.corpus.formats.assemble import assemble
from fedaffect.corpus.formats.origin import origin
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.importing.options import Options
from fedaffect.importing.readers.base import Reader
from fedaffect.importing.source import Source
from fedaffect.schema import Array

SPLITS = {"train": "train", "valid": "dev", "test": "test"}
STREAMS = ("text", "audio", "vision")
SEPARATOR = "$_$"
SENTIMENTS = ("negative", "neutral", "positive")
MAXIMUM_ITEMS = 2_000_000
_READ = {"text_bert", "id", "annotations", "classification_labels", "regression_labels"}


class Mmsa(Reader):
    """A pickled dictionary of splits, each a dictionary of fields.

    The video is the conversation and its one person, the clip the turn. Sequences [n, time, width] are
    averaged over real steps (rows that are not all zeros; for text, those that `text_bert`'s mask keeps),
    each column over its finite values: MOSI's audio holds -Inf here and there. A sequence without a real step
    is a missing modality. Matrices [n, width] are taken as they are.

    Labels are `classification_labels` where there are some, named by `annotations`; else the sign of
    `regression_labels`.
    """

    def recognises(self, source: Source) -> bool:
        content = None if source.first_key is None else source.content
        return isinstance(content, Mapping) and all(
            isinstance(content.get(split), Mapping) for split in SPLITS
        )

    def read(self, source: Source, options: Options) -> ConversationCorpus:
        file, content = source.path, source.content
        parts = [_Part(file, split, content[split]) for split in SPLITS]
        parts = [part for part in parts if len(part)]
        if not parts:
            raise UserError(f"{file}: id: no utterances; give a file with some")
        streams = [stream for stream in STREAMS if all(stream in part.fields for part in parts)]
        if not streams:
            raise UserError(f"{file}: none of {', '.join(STREAMS)} in every split; add one of them")
        videos, clips = zip(
            *(_place(p, identifier) for p in parts for identifier in p.ids), strict=True
        )
        label, classes, how = _labels(parts)
        pooled = {stream: [part.pooled(stream) for part in parts] for stream in streams}
        for stream, found in pooled.items():
            widths = {values.shape[1] for values, _, _ in found}
            if len(widths) > 1:
                raise UserError(f"{file}: {stream}: widths differ between splits: {sorted(widths)}")

        known, dialogue = np.unique(videos, return_inverse=True)
        columns = {"label": label, "label_names": np.array(classes), "dialogue": dialogue}
        columns |= {"dialogue_names": known, "speaker": dialogue, "speaker_names": known}
        columns["turn"] = _turns(clips)
        columns["split"] = np.repeat([SPLITS[p.split] for p in parts], [len(p) for p in parts])
        left_out = {stream: sum(n for _, _, n in found) for stream, found in pooled.items()}
        reader = f"MMSA pickle: a dictionary of train, valid, test; {how}; {_means(parts, streams)}"
        reader += "".join(
            f"; {n} values of {s} not finite, left out" for s, n in left_out.items() if n
        )
        unused = sorted({str(key) for part in parts for key in part.fields} - {*_READ, *streams})
        reader += f"; not read: {', '.join(unused)}" if unused else ""
        return assemble(
            file,
            columns,
            {s: np.concatenate([values for values, _, _ in found]) for s, found in pooled.items()},
            {s: np.concatenate([there for _, there, _ in found]) for s, found in pooled.items()},
            name=source.name,
            provenance=origin([file], reader),
        )


@dataclass(frozen=True)
class _Part:
    """One split of the file."""

    file: Path
    split: str
    fields: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def ids(self) -> Sequence[str]:
        ids = self.fields.get("id")
        ids = ids.tolist() if isinstance(ids, np.ndarray) else ids
        if not isinstance(ids, list | tuple) or not all(isinstance(i, str) for i in ids):
            raise self.wrong("id", f"not a list of texts `video{SEPARATOR}clip`")
        if len(ids) > MAXIMUM_ITEMS:
            raise self.wrong("id", f"{len(ids)} utterances; at most {MAXIMUM_ITEMS} are read")
        return ids

    def numbers(self, field: str, dimensions: tuple[int, ...]) -> Array:
        """An array of numbers [n, …], of one of these numbers of dimensions."""
        try:
            array = np.asarray(self.fields[field])
        except ValueError:  # lists of different lengths
            array = np.empty(0, object)
        if array.dtype.kind not in "biuf" or array.ndim not in dimensions:
            shape = " or ".join(f"{n}-dimensional" for n in dimensions)
            raise self.wrong(field, f"{array.dtype}{list(array.shape)}, not {shape} numbers")
        if len(array) != len(self):
            raise self.wrong(field, f"{len(array)} rows for {len(self)} ids")
        return array

    def one_for_each_id(self, field: str, kind: str) -> Array:
        """Finite numbers [n]; `kind` names them in errors."""
        values = self.numbers(field, (1, 2)).reshape(len(self), -1)
        if values.shape[1] != 1 or not np.isfinite(values).all():
            raise self.wrong(field, f"not one {kind} number for each id")
        return values[:, 0]

    def pooled(self, stream: str) -> tuple[Array, Array, int]:
        """float32 [n, width], bool [n] of where there is a step, and how many values were not finite."""
        array = self.numbers(stream, (2, 3))
        if array.ndim == 2:
            array = array[:, None, :]
        if not array.shape[1] or not array.shape[2]:
            raise self.wrong(stream, f"{list(array.shape)} is empty")
        mask = self._mask(array.shape[1]) if stream == "text" else None
        values = np.zeros((len(array), array.shape[2]), np.float32)
        present = np.zeros(len(array), bool)
        left_out = 0
        for row, steps in enumerate(array):
            real = (steps != 0).any(axis=1)
            steps = steps[real if mask is None else real & mask[row]].astype(np.float64)
            finite = np.isfinite(steps)
            left_out += int((~finite).sum())
            present[row] = len(steps) > 0
            if len(steps):
                count = finite.sum(axis=0)
                total = np.where(finite, steps, 0).sum(axis=0)
                # A column without one finite value stays NaN: the check reports it.
                mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
                with np.errstate(over="ignore"):
                    values[row] = mean
        return values, present, left_out

    def _mask(self, steps: int) -> Array | None:
        """bool [n, time]: which tokens are no padding, where the file says so."""
        if "text_bert" not in self.fields:
            return None
        bert = self.numbers("text_bert", (3,))
        return bert[:, 1] > 0 if bert.shape[1:] == (3, steps) else None

    def wrong(self, field: str, what: str) -> UserError:
        return UserError(f"{self.file}: {self.split}: {field}: {what}; mend the field")


def _place(part: _Part, identifier: str) -> tuple[str, str]:
    video, separator, clip = identifier.rpartition(SEPARATOR)
    if not separator or not video or not clip:
        raise part.wrong("id", f"`{identifier[:60]}` is not `video{SEPARATOR}clip`")
    return video, clip


def _turns(clips: Sequence[str]) -> Array:
    """The clips' own numbers; without numbers, the order of the file."""
    if all(clip.isascii() and clip.isdigit() and len(clip) < 10 for clip in clips):
        return np.array([int(clip) for clip in clips])
    return np.arange(len(clips))


def _labels(parts: Sequence[_Part]) -> tuple[Array, tuple[str, ...], str]:
    """int64 [items], the classes' names, and in words where they are from."""
    field = "classification_labels"
    if not all(field in part.fields for part in parts):
        values = np.concatenate([_regression(part) for part in parts])
        return np.sign(values).astype(np.int64) + 1, SENTIMENTS, "label: sign of regression_labels"
    numbers = [part.one_for_each_id(field, "whole") for part in parts]
    for part, array in zip(parts, numbers, strict=True):
        if (array != np.round(array)).any() or ((array < 0) | (array > 1000)).any():
            raise part.wrong(field, "not one whole number for each id")
    label = np.concatenate(numbers).astype(np.int64)
    return label, _classes(parts, label), f"label: {field}"


def _regression(part: _Part) -> Array:
    if "regression_labels" not in part.fields:
        raise part.wrong("classification_labels", "missing, and regression_labels too")
    return part.one_for_each_id("regression_labels", "finite")


def _classes(parts: Sequence[_Part], label: Array) -> tuple[str, ...]:
    """The annotation that goes with each label; the number where none does."""
    names = {int(n): str(n) for n in range(max(0, int(label.max())) + 1)}
    texts = [text for part in parts for text in _annotations(part)]
    for number in names:
        given = {text for text, value in zip(texts, label, strict=True) if value == number and text}
        if len(given) > 1:
            both = " and ".join(sorted(given)[:2])
            raise UserError(
                f"{parts[0].file}: annotations: label {number} is called {both}; give it one name"
            )
        names[number] = given.pop() if given else names[number]
    return tuple(names.values())


def _annotations(part: _Part) -> Sequence[str]:
    given = part.fields.get("annotations")
    given = given.tolist() if isinstance(given, np.ndarray) else given
    if not isinstance(given, list | tuple) or len(given) != len(part):
        return [""] * len(part)
    return [text.lower() if isinstance(text, str) else "" for text in given]


def _means(parts: Sequence[_Part], streams: Sequence[str]) -> str:
    pooled = [s for s in streams if np.ndim(parts[0].fields[s]) == 3]
    return f"means over real steps of {', '.join(pooled)}" if pooled else "vectors as they are"
