"""What is wrong with a corpus, said so that a person can mend it."""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.corpus.subsets import copies_of_train
from fedaffect.errors import UserError
from fedaffect.schema import SPLITS, UNLABELLED, Array, Flags

MAXIMUM_ROLES = 512


@dataclass(frozen=True)
class Problem:
    """One thing wrong. With an `error` the corpus cannot be learnt from; a `warning` is good to know."""

    severity: Literal["error", "warning"]
    field: str
    message: str
    cure: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}; {self.cure}"


def problems(corpus: ConversationCorpus) -> list[Problem]:
    """All that is wrong, errors first.

    Arrays of wrong shape or rows out of order are found first and alone: nothing else can be said then.
    """
    broken = [*_sizes(corpus)] or [*_order(corpus)]
    found = broken or [problem for check in _CHECKS for problem in check(corpus)]
    return sorted(found, key=lambda problem: problem.severity)


def ensure_sound(corpus: ConversationCorpus, where: object = "") -> None:
    """Nothing, for a corpus without errors.

    Args:
        where: the file that the error shall name; default: the corpus's name.

    Raises:
        UserError: the first error.
    """
    for problem in problems(corpus):
        if problem.severity == "error":
            raise UserError(f"{where or corpus.name}: {problem}")


def drop_non_finite(corpus: ConversationCorpus) -> tuple[ConversationCorpus, dict[str, int]]:
    """Vectors with NaN or Inf become zeros, marked absent.

    Returns:
        the mended corpus, and by modality how many vectors were dropped (only those above 0).
    """
    features, present, dropped = dict(corpus.features), dict(corpus.present), {}
    for name, array in corpus.features.items():
        rows = _non_finite(array)
        if rows.any():
            features[name] = array.copy()
            features[name][rows] = 0
            present[name] = present[name] & ~rows
            dropped[name] = int(rows.sum())
    return replace(corpus, features=features, present=present), dropped


def _non_finite(array: Array) -> Flags:
    """bool [items]: which items hold a NaN or an Inf."""
    if array.dtype.kind != "f":
        return np.zeros(len(array), bool)
    return np.logical_not(np.isfinite(array).reshape(len(array), -1).all(axis=1))


def _error(field: str, message: str, cure: str) -> Problem:
    return Problem("error", field, message, cure)


def _warning(field: str, message: str, cure: str) -> Problem:
    return Problem("warning", field, message, cure)


def _sizes(corpus: ConversationCorpus) -> Iterator[Problem]:
    items = len(corpus.label)
    if not items:
        yield _error("label", "no utterances", "give a corpus with some")
    if not corpus.features:
        yield _error("features", "no modality", "give at least one array of features")
    if set(corpus.present) != set(corpus.features):
        yield _error("present", "not the same names as in features", "give one for each modality")
    columns = {n: getattr(corpus, n) for n in ("person", "split", "conversation", "turn", "role")}
    columns |= {f"feature {n}": a for n, a in corpus.features.items()}
    columns |= {f"present {n}": a for n, a in corpus.present.items()}
    for name, array in columns.items():
        if len(array) != items:
            yield _error(name, f"{len(array)} rows, {items} labels", "give one row an utterance")
    if corpus.votes is not None and corpus.votes.shape != (items, len(corpus.classes)):
        shape = list(corpus.votes.shape)
        yield _error("votes", f"of shape {shape}", "give one row an utterance, one column a class")


def _order(corpus: ConversationCorpus) -> Iterator[Problem]:
    """Indices that would point nowhere, and conversations that are no run of rows."""
    for field, values, names in (
        ("conversation", corpus.conversation, corpus.conversations),
        ("person", corpus.person, corpus.persons),
        ("split", corpus.split, SPLITS),
    ):
        wrong = (values < 0) | (values >= len(names))
        if wrong.any():
            row = int(wrong.argmax())
            yield _error(
                field,
                f"row {row} is {values[row]}, out of range for {len(names)} names",
                f"use 0 to {len(names) - 1}",
            )
    if (np.diff(corpus.conversation) < 0).any():
        yield _error("conversation", "rows are not in order", "sort rows by (conversation, turn)")


def _names(corpus: ConversationCorpus) -> Iterator[Problem]:
    for field in ("classes", "persons", "conversations"):
        names: tuple[str, ...] = getattr(corpus, field)
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            yield _error(field, f"`{twice}` stands there twice", "give every one its own name")
    everywhere = (*corpus.classes, *corpus.persons, *corpus.conversations, *corpus.features)
    for name in (corpus.name, *everywhere):
        if any(unicodedata.category(letter) == "Cc" for letter in name):
            # Names go to terminals and tables as they are.
            yield _error("names", f"{name!r} holds a control character", "give it a plain name")
            return


def _finite(corpus: ConversationCorpus) -> Iterator[Problem]:
    for name, array in corpus.features.items():
        rows = np.flatnonzero(_non_finite(array))
        if len(rows):
            yield _error(
                f"modality {name}",
                f"NaN or Inf in {_utterances(len(rows))}, first in {_place(corpus, int(rows[0]))}",
                "mend the features, or import with `--non-finite drop` (marks them absent)",
            )


def _empty_conversations(corpus: ConversationCorpus) -> Iterator[Problem]:
    lengths = np.bincount(corpus.conversation, minlength=len(corpus.conversations))
    empty = np.flatnonzero(lengths == 0)
    if len(empty):
        yield _error(
            "conversation",
            f"{len(empty)} without an utterance, first `{corpus.conversations[empty[0]]}`",
            "remove it, or give it its utterances",
        )


def _turns(corpus: ConversationCorpus) -> Iterator[Problem]:
    """Inside a conversation turns increase."""
    step = np.where(np.diff(corpus.conversation) == 0, np.diff(corpus.turn), 1)
    for wrong, what in ((step == 0, "the same turn twice"), (step < 0, "turns out of order")):
        if wrong.any():
            yield _error("turn", f"{what}, in {_place(corpus, int(wrong.argmax()))}", "renumber it")


def _labels(corpus: ConversationCorpus) -> Iterator[Problem]:
    classes = len(corpus.classes)
    wrong = ((corpus.label < 0) & (corpus.label != UNLABELLED)) | (corpus.label >= classes)
    if wrong.any():
        row = int(wrong.argmax())
        yield _error(
            "label",
            f"{_utterances(int(wrong.sum()))} with an unknown label, first {corpus.label[row]} "
            f"in {_place(corpus, row)}",
            f"use 0 to {classes - 1}, or {UNLABELLED} for unlabelled",
        )
        return
    unlabelled = int((corpus.label == UNLABELLED).sum())
    if unlabelled:
        yield _warning("label", f"{_utterances(unlabelled)} unlabelled", "they serve as context")
    train = corpus.label[corpus.items_in("train") & (corpus.label != UNLABELLED)]
    for label in np.flatnonzero(np.bincount(train, minlength=classes) == 0):
        yield _warning(
            "label", f"no training item of class `{corpus.classes[label]}`", "it cannot be learnt"
        )


def _votes(corpus: ConversationCorpus) -> Iterator[Problem]:
    if corpus.votes is not None and not ((corpus.votes >= 0) & np.isfinite(corpus.votes)).all():
        yield _error("votes", "negative, NaN or Inf", "give numbers of people, 0 or more")


def _splits(corpus: ConversationCorpus) -> Iterator[Problem]:
    pairs = np.unique(np.stack([corpus.conversation, corpus.split]), axis=1)
    twice = np.flatnonzero(np.bincount(pairs[0]) > 1)
    if len(twice):
        among = [SPLITS[s] for s in pairs[1][pairs[0] == twice[0]]]
        yield _error(
            "split",
            f"{len(twice)} conversations in more than one split, first "
            f"`{corpus.conversations[twice[0]]}` ({' and '.join(among)})",
            "give every conversation one split",
        )
    if not corpus.items_in("train").any():
        yield _error("split", "nothing to train on", "put conversations into `train`")
    for split in ("dev", "test"):
        if not corpus.items_in(split).any():
            yield _warning("split", f"`{split}` is empty", f"nothing will be scored on {split}")


def _copies(corpus: ConversationCorpus) -> Iterator[Problem]:
    copies = copies_of_train(corpus)
    if copies.any():
        dev, test = (int(copies[corpus.items_in(split)].sum()) for split in ("dev", "test"))
        images = "image" if dev == 1 else "images"
        yield _warning(
            "copies",
            f"{dev} {images} of dev and {test} of test are in train too, first in "
            f"{_place(corpus, int(copies.argmax()))}",
            "score without them as well",
        )


def _persons(corpus: ConversationCorpus) -> Iterator[Problem]:
    met = np.intersect1d(
        corpus.person[corpus.items_in("train")], corpus.person[corpus.items_in("test")]
    )
    if len(met):
        yield _warning(
            "person",
            f"{len(met)} of test also in train, first `{corpus.persons[met[0]]}`",
            "test scores do not speak for new people",
        )


def _roles(corpus: ConversationCorpus) -> Iterator[Problem]:
    wrong = (corpus.role < 0) | (corpus.role >= MAXIMUM_ROLES)
    if wrong.any():
        row = int(wrong.argmax())
        yield _error(
            "role",
            f"{corpus.role[row]} in {_place(corpus, row)}",
            f"number the roles of a conversation from 0 upwards, below {MAXIMUM_ROLES}",
        )


def _presence(corpus: ConversationCorpus) -> Iterator[Problem]:
    for name, present in corpus.present.items():
        if not present.any():
            yield _error(
                f"modality {name}", "missing everywhere", "leave it out with `--modalities`"
            )
        elif not present.all():
            yield _warning(
                f"modality {name}",
                f"missing in {1 - present.mean():.1%} of the utterances",
                "models mask it there",
            )
    silent = ~np.any(list(corpus.present.values()), axis=0)
    if silent.any():
        yield _warning(
            "present",
            f"{_utterances(int(silent.sum()))} without any modality, "
            f"first {_place(corpus, int(silent.argmax()))}",
            "only their context can tell",
        )


_CHECKS: tuple[Callable[[ConversationCorpus], Iterator[Problem]], ...] = (
    _names,
    _finite,
    _empty_conversations,
    _turns,
    _labels,
    _votes,
    _splits,
    _roles,
    _presence,
    _persons,
    _copies,
)


def _place(corpus: ConversationCorpus, row: int) -> str:
    conversation = corpus.conversations[corpus.conversation[row]]
    return f"conversation `{conversation}`, turn {corpus.turn[row]}"


def _utterances(count: int) -> str:
    return f"{count} utterance" + ("s" if count != 1 else "")
