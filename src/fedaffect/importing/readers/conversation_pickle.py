"""From the fields of the field's feature files (SDT, MMGCN, COSMIC, MultiEMO …) to a corpus.

Most fields are dictionaries from a dialogue's id to a list, an entry an
utterance. Utterance texts are neither read nor kept.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.formats import unpickler
from fedaffect.corpus.formats.cells import indexed
from fedaffect.corpus.formats.families import Dataset
from fedaffect.corpus.formats.feature_files import MAXIMUM_TOGETHER, MULTIEMO, Fields, gather
from fedaffect.corpus.formats.origin import origin
from fedaffect.corpus.formats.recognition import LETTERS, is_list
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.importing.options import Options
from fedaffect.importing.readers.base import Reader
from fedaffect.importing.source import Source
from fedaffect.randomness import generator
from fedaffect.schema import SPLITS

MAXIMUM_BYTES = 2**33
DEV_FRACTION = 0.1
_SESSION = re.compile(r"(Ses\d\d)[FM]_")

Identifier = str | int
Floats = npt.NDArray[np.float32]


class ConversationPickle(Reader):
    """Any pickle that is of no other format, or the folder of several that belong together.

    Features become float32. COSMIC's files bring a development split. Elsewhere the dialogues of a published
    one are taken where the corpus has it (IEMOCAP: COSMIC's twelve), a random tenth of the training dialogues
    otherwise; `provenance` says which.
    """

    takes = ("family",)
    fallback = True

    def recognises(self, source: Source) -> bool:
        return source.is_pickle or bool(source.pickles)

    def read(self, source: Source, options: Options) -> ConversationCorpus:
        beside = {file.name for file in source.folder.pickles}
        if source.path.name in MULTIEMO and {*MULTIEMO} <= beside:
            source = source.folder
        loaded = [(file, unpickler.load(file)) for file in together(source)]
        loaded = loaded or [(source.path, source.content)]
        fields = gather(loaded, options.family)
        recognised = fields.recognition
        dataset = recognised.family.dataset
        if not recognised.widths:
            raise UserError(
                f"{fields.file('label')}: {recognised.reason}: texts and labels but no features, so there is "
                "nothing to learn from; import the file of features made from it "
                f"({dataset.name.lower()}_features_roberta.pkl), or compute vectors of your own and give "
                "them in a manifest (docs/corpora.md)"
            )

        split, choice = _splits(fields, dataset, options.seed)
        dialogues = [_Dialogue(fields, identifier) for identifier in sorted(split)]
        turns = [len(dialogue) for dialogue in dialogues]
        items = sum(turns)
        size = items * sum(recognised.widths.values()) * np.dtype(np.float32).itemsize
        if size > MAXIMUM_BYTES:
            raise UserError(
                f"{fields.file('text')}: {size} bytes of features; at most {MAXIMUM_BYTES} are read"
            )
        if "again" in fields.values:
            for dialogue in dialogues:
                dialogue.ensure_same_labels()
        roles = [dialogue.roles(dataset) for dialogue in dialogues]
        persons = [
            _persons(d.identifier, r, dataset) for d, r in zip(dialogues, roles, strict=True)
        ]
        person, names = indexed([person for some in persons for person in some])
        reader = f"feature pickle: {recognised.reason}; {choice}"
        left_out = len(set(fields.values["label"]) - set(split))
        if left_out:
            reader += f"; {left_out} dialogues in no split left out"
        return ConversationCorpus(
            name=source.name,
            classes=dataset.classes,
            features={
                m: np.concatenate([dialogue.matrix(m, w) for dialogue in dialogues])
                for m, w in recognised.widths.items()
            },
            present={m: np.ones(items, bool) for m in recognised.widths},
            label=_joined([dialogue.whole_numbers("label") for dialogue in dialogues]),
            person=person,
            persons=names,
            split=np.repeat([SPLITS.index(split[d.identifier]) for d in dialogues], turns),
            provenance=origin([file for file, _ in loaded], reader),
            conversation=np.repeat(np.arange(len(dialogues)), turns),
            conversations=tuple(str(dialogue.identifier) for dialogue in dialogues),
            turn=_joined([range(count) for count in turns]),
            role=_joined(roles),
        )


def together(folder: Source) -> list[Path]:
    """The pickles of a folder, which belong together; none where it is a file.

    Raises:
        UserError: too many of them, or those of CMN and ICON.
    """
    named = {file.name for file in folder.pickles}
    if {"dataset.pkl", "trainID.pkl"} <= named:
        raise UserError(
            f"{folder.path}: dataset.pkl: the files of CMN and ICON are not read; import DialogueRNN's "
            "IEMOCAP_features_raw.pkl, which holds the same utterances"
        )
    if {*MULTIEMO} <= named:
        named = {*MULTIEMO}
    elif len(named) > MAXIMUM_TOGETHER:
        raise UserError(
            f"{folder.path}: {len(named)} pickles ({', '.join(sorted(named))[:200]}); give the one to read, "
            "or a folder with the files of one corpus (M3NET's two, MultiEMO's four)"
        )
    return [file for file in folder.pickles if file.name in named]


@dataclass(frozen=True)
class _Dialogue:
    """One dialogue of a file, each field looked at before it is believed."""

    fields: Fields
    identifier: Identifier

    def __len__(self) -> int:
        return len(self._entries("label"))

    def ensure_same_labels(self) -> None:
        """Two files that are read together must mean the same utterances."""
        if self.whole_numbers("again") != self.whole_numbers("label"):
            other = self.fields.file("label")
            raise self._wrong(
                "again", f"its labels are not those of {other}; give two files of one corpus"
            )

    def roles(self, dataset: Dataset) -> list[int]:
        """M → 0, F → 1; or the position of the one in a one-hot vector."""
        speakers = self._matching("speaker")
        if dataset.speaker == "letter":
            if not all(isinstance(s, str) and s in LETTERS for s in speakers):
                raise self._wrong("speaker", f"not all are {' or '.join(LETTERS)}")
            return [LETTERS.index(speaker) for speaker in speakers]
        roles = []
        for speaker in speakers:
            one_hot = _vector(speaker)
            if one_hot is None or np.count_nonzero(one_hot) != 1 or one_hot.max() != 1:
                raise self._wrong("speaker", "not all are one-hot vectors")
            roles.append(int(one_hot.argmax()))
        return roles

    def matrix(self, modality: str, width: int) -> Floats:
        """float32 [turns, width]."""
        rows = np.empty((len(self), width), np.float32)
        for turn, entry in enumerate(self._matching(modality)):
            vector = _vector(entry)
            if vector is None or len(vector) != width:
                length = "no vector" if vector is None else f"{len(vector)} wide"
                raise self._wrong(modality, f"turn {turn} is {length} instead of {width} wide")
            with np.errstate(over="ignore"):  # becomes Inf, which the check then reports
                rows[turn] = vector
        return rows

    def whole_numbers(self, field: str) -> list[int]:
        values = self._entries(field)
        if not all(isinstance(x, Integral) and abs(int(x)) < 2**31 for x in values):
            raise self._wrong(field, "not all are (small) whole numbers")
        return [int(value) for value in values]

    def _matching(self, field: str) -> Sequence[Any]:
        entries = self._entries(field)
        if len(entries) != len(self):
            raise self._wrong(field, f"{len(entries)} entries for {len(self)} labels")
        return entries

    def _entries(self, field: str) -> Sequence[Any]:
        by_dialogue = self.fields.values[field]
        if not isinstance(by_dialogue, Mapping) or self.identifier not in by_dialogue:
            raise self._wrong(field, "missing")
        entries = by_dialogue[self.identifier]
        if not is_list(entries):
            raise self._wrong(field, f"a {type(entries).__name__} instead of a list")
        return entries

    def _wrong(self, field: str, what: str) -> UserError:
        return UserError(
            f"{self.fields.file(field)}: {field}: dialogue `{self.identifier}`: {what}"
        )


def _splits(fields: Fields, dataset: Dataset, seed: int) -> tuple[dict[Identifier, str], str]:
    """The split of every dialogue, and in words how the development part was chosen."""
    given = {s: _identifiers(fields, s, dataset) for s in SPLITS if s in fields.values}
    train, test, dev = given["train"], given["test"], given.get("dev", set())
    for one, other in combinations(given, 2):
        both = sorted(given[one] & given[other])
        if both:
            raise UserError(
                f"{fields.file(one)}: {one}, {other}: {len(both)} dialogues in both, first `{both[0]}`; "
                "give every dialogue one split"
            )
    if not train:
        raise UserError(f"{fields.file('train')}: train: no dialogues; give a file with some")
    if dev:
        choice = f"dev: the file's own, {len(dev)} dialogues"
    elif train & dataset.dev:
        dev = train & dataset.dev
        choice = f"dev: {len(dev)} of COSMIC's {len(dataset.dev)} dialogues"
    else:
        count = min(max(1, round(DEV_FRACTION * len(train))), len(train) - 1)
        drawn = generator(seed, "dev split").permutation(len(train))[: max(count, 0)]
        ordered = sorted(train)
        dev = {ordered[index] for index in drawn}
        choice = f"dev: {len(dev)} of {len(train)} training dialogues, drawn with seed {seed}"
    split = dict.fromkeys(train, "train") | dict.fromkeys(test, "test") | dict.fromkeys(dev, "dev")
    return split, choice


def _identifiers(fields: Fields, field: str, dataset: Dataset) -> set[Any]:
    """The ids of a split, which files give as a list or as a set; order means nothing."""
    value = fields.values[field]
    kind = str if dataset.identifier == "text" else int
    identifiers = list(value) if isinstance(value, set | frozenset) or is_list(value) else [None]
    plain = [i.item() if isinstance(i, np.generic) else i for i in identifiers]
    if not all(isinstance(identifier, kind) for identifier in plain):
        raise UserError(
            f"{fields.file(field)}: {field}: not a list of dialogue ids ({dataset.identifier}s)"
        )
    return set(plain)


def _persons(identifier: Identifier, roles: Sequence[int], dataset: Dataset) -> list[str]:
    """Who speaks: IEMOCAP's actors are known by session and sex; elsewhere only the role is."""
    if dataset.speaker == "letter":
        session = _SESSION.match(str(identifier))
        place = session[1] if session else str(identifier)
        return [f"{place}_{LETTERS[role]}" for role in roles]
    return [f"{identifier}/role-{role}" for role in roles]


def _joined(parts: Sequence[Sequence[int]]) -> npt.NDArray[np.int64]:
    return np.array([value for part in parts for value in part], np.int64)


def _vector(value: object) -> npt.NDArray[Any] | None:
    """A one-dimensional array of numbers, from an array or a list; None for anything else."""
    if isinstance(value, np.ndarray):
        return np.asarray(value) if value.ndim == 1 and value.dtype.kind in "biuf" else None
    if isinstance(value, list | tuple) and all(isinstance(number, Real) for number in value):
        try:
            return np.array(value, np.float64)
        except OverflowError:
            return None
    return None
