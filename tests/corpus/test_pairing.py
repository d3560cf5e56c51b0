"""Faces and body signals of different people, put together by label."""

import csv
import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.corpus.pairing import FER2013_TO_WESAD, joined, pair_by_label, split_by_person
from fedaffect.corpus.schema import Corpus, Provenance
from fedaffect.errors import UserError
from fedaffect.randomness import generator
from fedaffect.schema import SPLITS, UNLABELLED

FACES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
BODIES = ("amusement", "baseline", "stress")
COMMON = [2, UNLABELLED, 2, 0, UNLABELLED, UNLABELLED, 1]


def items(name, classes, modality, label, split, person, letter="0"):
    """Items whose only feature is their own row, so that it can be told where it went."""
    label = np.asarray(label, np.int64)
    person = np.asarray(person, np.int64)
    return Corpus(
        name=name,
        classes=classes,
        features={modality: np.arange(len(label), dtype=np.float32)[:, None]},
        present={modality: np.arange(len(label)) % 5 != 0},
        label=label,
        person=person,
        persons=tuple(f"{name}-{i}" for i in range(person.max(initial=-1) + 1)),
        split=np.asarray(split, np.int64),
        provenance=Provenance(name, letter * 64, "tests"),
    )


def faces(count=300, seed=0):
    random = generator(seed, "faces")
    label, split = random.integers(-1, 7, size=count), random.integers(3, size=count)
    return items("faces", FACES, "face", label, split, np.zeros(count), "a")


def bodies(count=90, persons=9, seed=0):
    random = generator(seed, "bodies")
    person = np.sort(random.permutation(np.arange(count) % persons))
    label = random.integers(-1, 3, size=count)
    alike = items("bodies", BODIES, "body", label, np.zeros(count), person, "b")
    return split_by_person(alike, dev=2, test=3, seed=seed)


# --- persons -------------------------------------------------------------------------------------


@given(st.integers(0, 50), st.integers(0, 4), st.integers(0, 4))
@settings(max_examples=25, deadline=None)
def test_persons_are_dealt_out_whole(seed, dev, test):
    found = split_by_person(bodies(), dev=dev, test=test, seed=seed)
    people = [set(found.person[found.items_in(split)].tolist()) for split in SPLITS]
    assert [len(p) for p in people] == [9 - dev - test, dev, test]
    assert len(set.union(*people)) == 9


@pytest.mark.parametrize(("persons", "each"), [(2, 0), (3, 1), (9, 2), (15, 3)])
def test_a_fifth_of_the_persons_unless_told(persons, each):
    person = np.repeat(np.arange(persons), 2)
    alike = items("b", BODIES, "body", person % 3, np.zeros(2 * persons), person, "b")
    found = split_by_person(alike, seed=4)
    dev, test = (np.unique(found.person[found.items_in(split)]) for split in ("dev", "test"))
    assert (len(dev), len(test)) == (each, each)
    assert found.provenance.reader == (
        f"tests; split by person with seed 4: {each} for dev, {each} for test"
    )


def test_somebody_is_left_to_train_on():
    with pytest.raises(UserError, match="5 for test of 9; leave at least one"):
        split_by_person(bodies(), dev=4, test=5, seed=0)


# --- pairs ---------------------------------------------------------------------------------------


@given(st.integers(0, 30), st.integers(5, 300))
@settings(max_examples=25, deadline=None)
def test_a_pair_shares_class_and_split_and_no_item_is_used_twice(seed, count):
    of_face, of_body = faces(count), bodies()
    found = pair_by_label(of_face, of_body, FER2013_TO_WESAD, seed)
    assert found.classes == BODIES
    assert np.array_equal(of_face.split[found.face], of_body.split[found.body])
    assert [COMMON[k] for k in of_face.label[found.face]] == found.label.tolist()
    assert np.array_equal(of_body.label[found.body], found.label)
    assert len(set(found.face.tolist())) == len(found.face)
    assert (np.diff(found.body) > 0).all()
    # As many as there can be, in each class of each split.
    common = np.array([*COMMON, UNLABELLED])[of_face.label]
    possible = sum(
        min(
            (c.items_in(split) & (label == k)).sum()
            for c, label in ((of_face, common), (of_body, of_body.label))
        )
        for split in SPLITS
        for k in range(3)
    )
    assert len(found.face) == possible


def test_the_seed_decides():
    one, same, other = (pair_by_label(faces(), bodies(), FER2013_TO_WESAD, s) for s in (1, 1, 2))
    assert np.array_equal(one.face, same.face)
    assert np.array_equal(one.body, same.body)
    assert not np.array_equal(one.face, other.face)


def test_a_class_without_faces_is_none_of_the_common_ones():
    names = {"happy": "amusement", "fear": "stress"}
    found = pair_by_label(faces(), bodies(), names, 0)
    assert found.classes == ("amusement", "stress")
    assert set(bodies().label[found.body]) == {0, 2}
    assert set(found.label) == {0, 1}


def test_joined_items_hold_both_and_say_that_nobody_recorded_them():
    of_face, of_body = faces(), bodies()
    pairs = pair_by_label(of_face, of_body, FER2013_TO_WESAD, 0)
    found = joined(of_face, of_body, pairs)
    assert list(found.features) == ["body", "face"]
    assert found.features["face"][:, 0].tolist() == pairs.face.tolist()
    assert found.features["body"][:, 0].tolist() == pairs.body.tolist()
    assert np.array_equal(found.present["face"], pairs.face % 5 != 0)
    assert np.array_equal(found.person, of_body.person[pairs.body])
    assert np.array_equal(found.split, of_body.split[pairs.body])
    assert found.persons == of_body.persons
    assert found.provenance.pairing == "label-matched"
    assert found.provenance.source == "faces + bodies"
    assert not found.provenance.synthetic
    assert of_face.provenance.pairing == "recorded"


# --- what it refuses -----------------------------------------------------------------------------


def test_a_person_in_two_splits():
    mixed = items("bodies", BODIES, "body", [0, 1, 2], [0, 0, 2], [0, 1, 1])
    with pytest.raises(UserError, match="`bodies-1` is in more than one; split it by person"):
        pair_by_label(faces(), mixed, FER2013_TO_WESAD, 0)


def test_nothing_in_common():
    glad = items("faces", FACES, "face", [3, 3], [0, 1], [0, 0])
    tense = items("bodies", BODIES, "body", [2, 2], [0, 1], [0, 1])
    with pytest.raises(UserError, match="no split has items of one class in both"):
        pair_by_label(glad, tense, FER2013_TO_WESAD, 0)


def test_one_name_for_two_modalities():
    of_face, of_body = faces(), bodies()
    pairs = pair_by_label(of_face, of_body, FER2013_TO_WESAD, 0)
    twin = items("bodies", BODIES, "face", of_body.label, of_body.split, of_body.person)
    with pytest.raises(UserError, match="both have `face`"):
        joined(of_face, twin, pairs)


# --- the real sets -------------------------------------------------------------------------------


def test_every_window_of_wesad_finds_a_face_in_fer2013(shared_data):
    with np.load(shared_data / "fer2013_ferplus_delta.npz", allow_pickle=False) as file:
        classes = tuple(file["classes"].tolist())
        of_face = items("fer2013", classes, "face", file["labels"], file["split"], [0] * 35_887)
    with gzip.open(shared_data / "wesad_wrist_30s.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    person = np.unique([row["subject"] for row in rows], return_inverse=True)[1]
    label = [BODIES.index(row["label_name"]) for row in rows]
    alike = items("wesad", BODIES, "body", label, [0] * len(rows), person)
    of_body = split_by_person(alike, dev=2, test=3, seed=0)
    pairs = pair_by_label(of_face, of_body, FER2013_TO_WESAD, 0)
    assert len(pairs.body) == len(rows) == 1178
    assert len(set(pairs.face.tolist())) == 1178
    assert len(set(of_body.person[of_body.items_in("train")].tolist())) == 10
