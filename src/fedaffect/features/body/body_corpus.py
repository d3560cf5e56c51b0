"""Recordings become a corpus: an item a window, a modality a sensor, the person who wore it."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os.path import commonpath
from pathlib import Path

import numpy as np

from fedaffect.corpus.formats.origin import origin
from fedaffect.corpus.schema import ConversationCorpus, Corpus, Provenance, as_conversations
from fedaffect.errors import UserError
from fedaffect.features.body.recording import Recording
from fedaffect.features.body.sensors import feature_set
from fedaffect.features.body.windows import Described, Windows, describe
from fedaffect.schema import SPLITS, UNLABELLED, Array, Flags, Integers


def body_corpus(
    recordings: Iterable[Recording],
    windows: Windows,
    *,
    name: str,
    classes: Sequence[str] | None = None,
    split: Mapping[str, str] | None = None,
) -> ConversationCorpus:
    """The windows of all recordings, one recording after the other, each in the order of time.

    A window is a conversation of one utterance. Of a recording only the features are kept, so that many may
    be given one by one.

    Args:
        classes: the labels to learn, in order; windows with another are left out. None = all, sorted. To
            be told apart by a model that was learnt elsewhere, recordings need no labels, but classes.
        split: `train`, `dev` or `test` by person; who is not in it is `train`.

    Returns:
        features float32 [windows, features] by sensor, with the columns of `sensors.feature_set`.

    Raises:
        UserError: no window to learn from or to judge, a sensor that no recording has, a split of nobody,
            or what a reader or `describe` refuses.
    """
    parts = [_Part(r.person, r.name, r.files, describe(r, windows)) for r in recordings]
    found = {label for part in parts for label in part.windows.label}
    chosen = tuple(sorted(x for x in found if x is not None) if classes is None else classes)
    if not chosen and None in found:
        raise UserError(
            f"{name}: nothing is labelled; give labels (of an E4 in labels.csv, docs/signals.md), or the "
            "classes of the model that shall judge it"
        )
    if not chosen or not found & {None, *chosen}:
        raise UserError(
            f"{name}: no window of {windows.seconds:g} s lies in a stretch of time labelled "
            f"{' or '.join(chosen) or 'anything'}; give labels, other classes, or shorter windows"
        )
    parts = [replace(part, windows=part.windows.of(chosen)) for part in parts]
    persons = tuple(sorted({part.person for part in parts}))
    person = np.repeat([persons.index(p.person) for p in parts], [len(p.windows) for p in parts])
    labels = [label for part in parts for label in part.windows.label]
    sensors = sorted({sensor for part in parts for sensor in part.windows.features})
    for sensor in windows.sensors or ():
        if sensor not in sensors:
            raise UserError(f"{name}: no recording has `{sensor}`; leave it out")
    features = {s: np.concatenate([part.features(s, windows) for part in parts]) for s in sensors}
    corpus = Corpus(
        name=name,
        classes=chosen,
        features=features,
        present={s: np.concatenate([part.present(s) for part in parts]) for s in sensors},
        label=np.array([UNLABELLED if x is None else chosen.index(x) for x in labels], np.int64),
        person=person,
        persons=persons,
        split=_splits(name, split or {}, persons)[person],
        provenance=_provenance(name, parts, windows, features),
    )
    return as_conversations(corpus, [*_names(parts)])


@dataclass(frozen=True)
class _Part:
    """What one recording gives."""

    person: str
    name: str
    files: tuple[Path, ...]
    windows: Described

    def features(self, sensor: str, windows: Windows) -> Array:
        """float32 [windows, features]; zeros where the recording lacks the sensor."""
        if sensor not in self.windows.features:
            width = len(feature_set(sensor, windows.kind).features)
            return np.zeros((len(self.windows), width), np.float32)
        return self.windows.features[sensor].astype(np.float32)

    def present(self, sensor: str) -> Flags:
        """bool [windows]"""
        return self.windows.present.get(sensor, np.zeros(len(self.windows), bool))


def _names(parts: Sequence[_Part]) -> Iterator[str]:
    """`S2 from 90 s`; of a second recording that is called the same `S2 (2) from 90 s`."""
    met = Counter[str]()
    for part in parts:
        met[part.name] += 1
        called = part.name if met[part.name] == 1 else f"{part.name} ({met[part.name]})"
        yield from (f"{called} from {start:g} s" for start in part.windows.start)


def _splits(name: str, split: Mapping[str, str], persons: Sequence[str]) -> Integers:
    """[persons], index into SPLITS."""
    for person, part in split.items():
        if person not in persons:
            raise UserError(
                f"{name}: split: nobody is called `{person}`; there are {', '.join(persons)}"
            )
        if part not in SPLITS:
            raise UserError(f"{name}: split: `{part}` of {person}; give one of {', '.join(SPLITS)}")
    return np.array([SPLITS.index(split.get(person, "train")) for person in persons], np.int64)


def _provenance(
    name: str, parts: Sequence[_Part], windows: Windows, features: Mapping[str, Array]
) -> Provenance:
    reader = f"body signals: {windows.kind} features of windows of {windows.seconds:g} s"
    if windows.baseline_minutes:
        reader += f", relative to each recording's first {windows.baseline_minutes:g} min"
    files = list(dict.fromkeys(file for part in parts for file in part.files))
    if files:
        folders = {file.parent for file in files}
        return origin(files, reader, Path(commonpath(folders)) if len(folders) > 1 else None)
    digest = hashlib.sha256(b"".join(array.tobytes() for array in features.values()))
    return Provenance(name, digest.hexdigest(), reader)
