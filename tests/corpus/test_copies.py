from dataclasses import replace

import numpy as np

from fedaffect.corpus.check import problems
from fedaffect.corpus.copies import copies_of_train
from fedaffect.importing import read


def with_copies(faces, **pairs):
    images = faces.features["face"].copy()
    for to, of in pairs.items():
        images[int(to[1:])] = images[of]
    return replace(faces, features={"face": images})


def test_copies_of_training_images_are_found(make_faces):
    """Splits of a corpus of twelve: train, train, dev, test, and so on."""
    faces = make_faces()
    assert not copies_of_train(faces).any()
    copied = with_copies(faces, _3=0, _6=5, _4=1, _7=2)  # 4 is in train itself, 2 is not
    assert np.flatnonzero(copies_of_train(copied)).tolist() == [3, 6]


def test_a_pixel_is_enough_of_a_difference(make_faces):
    copied = with_copies(make_faces(), _3=0)
    copied.features["face"][3, 5, 5] ^= 1
    assert not copies_of_train(copied).any()


def test_what_is_missing_is_no_copy(make_faces):
    copied = with_copies(make_faces(), _3=0, _7=1)
    present = np.ones(12, bool)
    present[[0, 7]] = False
    assert not copies_of_train(replace(copied, present={"face": present})).any()


def test_vectors_are_not_compared(make_corpus):
    corpus = make_corpus()
    corpus.features["text"][:] = 1
    assert not copies_of_train(corpus).any()


def test_copies_of_what_another_corpus_trains_with(make_faces):
    """Of that one only train counts (rows 0, 1, 4, ...); here, train may hold a copy too."""
    learnt, faces = make_faces(seed=1), make_faces()
    assert not copies_of_train(faces, learnt).any()
    images = faces.features["face"].copy()
    images[[0, 3, 5]] = learnt.features["face"][[4, 1, 2]]
    copied = replace(faces, features={"face": images})
    assert np.flatnonzero(copies_of_train(copied, learnt)).tolist() == [0, 3]


def test_the_check_tells_of_them(make_faces):
    copied = with_copies(make_faces(), _3=0, _6=5, _7=1)
    told = [str(p) for p in problems(copied) if p.field == "copies"]
    assert told == [
        "copies: 1 image of dev and 2 of test are in train too, first in conversation "
        "`conversation-3`, turn 0; score without them as well"
    ]
    assert not [p for p in problems(make_faces()) if p.field == "copies"]


def test_fer2013_has_the_known_copies(shared_data):
    corpus = read(shared_data / "fer2013_ferplus_delta.npz")
    found = copies_of_train(corpus)
    counts = {split: int(found[corpus.items_in(split)].sum()) for split in ("train", "dev", "test")}
    assert counts == {"train": 0, "dev": 280, "test": 288}
