"""Pairs of a face and a body signal that nobody recorded together: matched by label, and marked so."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from fedaffect.corpus.classes import ClassMap
from fedaffect.corpus.schema import Corpus, Provenance
from fedaffect.errors import UserError
from fedaffect.randomness import generator
from fedaffect.schema import SPLITS, Integers

Kind = TypeVar("Kind", bound=Corpus)

FER2013_TO_WESAD: Mapping[str, str] = {
    "happy": "amusement",
    "neutral": "baseline",
    "angry": "stress",
    "fear": "stress",
}
"""Which faces stand for which state of the body; disgust, sadness and surprise for none.

A convention, not a finding: nobody showed that who is stressed looks angry or afraid.
"""


@dataclass(frozen=True)
class Pairs:
    """Rows of two corpora that go together.

    Attributes:
        face: int64 [pairs], rows of the corpus of faces; none twice.
        body: int64 [pairs], rows of the corpus of body signals; none twice, increasing.
        label: int64 [pairs], index into `classes`.
        classes: those of the body signals for which there are faces.
    """

    face: Integers
    body: Integers
    label: Integers
    classes: tuple[str, ...]


def split_by_person(
    corpus: Kind, *, dev: int | None = None, test: int | None = None, seed: int
) -> Kind:
    """The corpus with whole persons dealt out: so many to dev and test, the others to train.

    Args:
        dev, test: persons; None = a fifth of them, and of fewer than three nobody.

    Raises:
        UserError: nobody would be left to train on.
    """
    everybody = np.unique(corpus.person)
    fifth = max(round(len(everybody) / 5), 1) if len(everybody) > 2 else 0
    dev, test = (fifth if given is None else given for given in (dev, test))
    if dev + test >= len(everybody):
        raise UserError(
            f"{corpus.name}: {dev} persons for dev and {test} for test of {len(everybody)}; "
            "leave at least one to train on"
        )
    shuffled = generator(seed, "split by person").permutation(everybody)
    split = np.full(len(corpus), SPLITS.index("train"), dtype=np.int64)
    split[np.isin(corpus.person, shuffled[:dev])] = SPLITS.index("dev")
    split[np.isin(corpus.person, shuffled[dev : dev + test])] = SPLITS.index("test")
    told = f"split by person with seed {seed}: {dev} for dev, {test} for test"
    provenance = replace(corpus.provenance, reader=f"{corpus.provenance.reader}; {told}")
    return replace(corpus, split=split, provenance=provenance)


def pair_by_label(faces: Corpus, bodies: Corpus, names: Mapping[str, str], seed: int) -> Pairs:
    """To each body signal a face of its class and its split, drawn without replacement.

    Where a class has more of one than of the other, a random part of the larger is left out.

    Args:
        names: from classes of faces to classes of body signals; others are left out.

    Raises:
        UserError: unknown classes, a person whose body signals are in more than one split, or no pair.
    """
    _ensure_split_by_person(bodies)
    common = tuple(c for c in bodies.classes if c in names.values())
    of_face = ClassMap.of(faces.classes, common, names).labels(faces.label)
    of_body = ClassMap.of(bodies.classes, common, {c: c for c in common}).labels(bodies.label)
    chosen = list[tuple[int, int]]()
    for split in SPLITS:
        for k, name in enumerate(common):
            random = generator(seed, "pairs", split, name)
            body = random.permutation(np.flatnonzero(bodies.items_in(split) & (of_body == k)))
            face = random.permutation(np.flatnonzero(faces.items_in(split) & (of_face == k)))
            chosen += zip(body.tolist(), face.tolist(), strict=False)
    if not chosen:
        raise UserError(
            f"{faces.name}, {bodies.name}: no split has items of one class in both; see `data describe`"
        )
    body, face = np.array(sorted(chosen), dtype=np.int64).T
    return Pairs(face, body, of_body[body], common)


def joined(faces: Corpus, bodies: Corpus, pairs: Pairs) -> Corpus:
    """The pairs as items with the modalities of both; persons and splits are those of the body signals.

    Raises:
        UserError: both have a modality of one name.
    """
    same = sorted(set(faces.features) & set(bodies.features))
    if same:
        raise UserError(f"{faces.name}, {bodies.name}: both have `{same[0]}`; rename it in one")
    sides = ((faces, pairs.face), (bodies, pairs.body))
    origins = [corpus.provenance for corpus, _ in sides]
    return Corpus(
        name=f"{faces.name}+{bodies.name}",
        classes=pairs.classes,
        features={m: a[rows] for corpus, rows in sides for m, a in corpus.features.items()},
        present={m: p[rows] for corpus, rows in sides for m, p in corpus.present.items()},
        label=pairs.label,
        person=bodies.person[pairs.body],
        persons=bodies.persons,
        split=bodies.split[pairs.body],
        provenance=Provenance(
            source=" + ".join(origin.source for origin in origins),
            sha256=hashlib.sha256("".join(o.sha256 for o in origins).encode()).hexdigest(),
            reader="pair_by_label",
            synthetic=any(origin.synthetic for origin in origins),
            pairing="label-matched",
        ),
    )


def _ensure_split_by_person(bodies: Corpus) -> None:
    pairs = np.unique(np.stack([bodies.person, bodies.split]), axis=1)
    twice = np.flatnonzero(np.bincount(pairs[0], minlength=1) > 1)
    if len(twice):
        raise UserError(
            f"{bodies.name}: split: `{bodies.persons[twice[0]]}` is in more than one; split it by person"
        )
