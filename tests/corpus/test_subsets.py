"""Parts of a corpus: some conversations, two halves with nothing in common, and copies of training images."""

from dataclasses import replace

import numpy as np
import pytest

from fedaffect.corpus import store
from fedaffect.corpus.check import problems
from fedaffect.corpus.subsets import copies_of_train, halves, select_conversations
from fedaffect.errors import UserError
from fedaffect.importing import read

# --- conversations -------------------------------------------------------------------------------


def test_some_conversations_and_nothing_else(make_corpus):
    corpus = make_corpus(conversations=5, turns=3, missing=0.5)
    part = select_conversations(corpus, np.array([1, 4]))
    rows = np.r_[3:6, 12:15]
    assert part.conversations == ("conversation-1", "conversation-4")
    assert part.conversation.tolist() == [0, 0, 0, 1, 1, 1]
    assert part.rows(1) == slice(3, 6)
    for name in ("label", "person", "split", "turn", "role"):
        np.testing.assert_array_equal(getattr(part, name), getattr(corpus, name)[rows])
    for m in corpus.features:
        np.testing.assert_array_equal(part.features[m], corpus.features[m][rows])
        np.testing.assert_array_equal(part.present[m], corpus.present[m][rows])


@pytest.mark.parametrize("votes", [False, True])
def test_the_whole_is_a_part(make_corpus, votes):
    corpus = make_corpus()
    if votes:
        corpus = replace(corpus, votes=np.arange(3 * len(corpus)).reshape(-1, 3))
    part = select_conversations(corpus, np.arange(len(corpus.conversations)))
    assert not [p for p in problems(part) if p.severity == "error"]
    np.testing.assert_array_equal(part.label, corpus.label)
    assert (part.votes is None) == (not votes)
    if votes:
        np.testing.assert_array_equal(part.votes, corpus.votes)


# --- halves --------------------------------------------------------------------------------------


def train(corpus):
    return {corpus.conversations[c] for c in corpus.conversations_in("train")}


def test_each_training_conversation_is_in_one_of_them(make_corpus):
    corpus = make_corpus(conversations=9, turns=3)
    first, second = halves(corpus, seed=0)
    assert train(first) | train(second) == train(corpus)
    assert not train(first) & train(second)
    assert (len(train(first)), len(train(second))) == (4, 3)
    for split in ("dev", "test"):
        assert first.items_in(split).sum() == corpus.items_in(split).sum()
        assert second.items_in(split).sum() == corpus.items_in(split).sum()


def test_as_many_of_each_class(make_faces):
    corpus = make_faces(items=200)
    counts = [np.bincount(h.label[h.items_in("train")]) for h in halves(corpus, seed=0)]
    assert np.abs(counts[0] - counts[1]).max() <= 1


def test_what_has_a_copy_in_the_first_is_not_in_the_second(make_faces):
    corpus = make_faces(items=40)
    images = corpus.features["face"].copy()
    images[corpus.items_in("train")] = images[0]
    for number, row in enumerate(np.flatnonzero(corpus.items_in("train"))[:12]):
        images[row] = number  # of its own; the other eight are copies of each other
    first, second = halves(replace(corpus, features={"face": images}), seed=0)
    assert len(train(first)) == 10
    assert 0 < len(train(second)) < 10
    assert not copies_of_train(second, first)[second.items_in("train")].any()


def test_nothing_but_copies(make_faces):
    corpus = make_faces(items=8)
    same = replace(corpus, features={"face": np.ones_like(corpus.features["face"])})
    with pytest.raises(UserError, match="every training image of one half is in the other too"):
        halves(same, seed=0)


def test_too_few(make_corpus):
    with pytest.raises(UserError, match="1 training conversations; give at least 2"):
        halves(make_corpus(conversations=3), seed=0)


def test_the_seed_decides(make_corpus):
    corpus = make_corpus(conversations=20)
    assert train(halves(corpus, seed=0)[0]) == train(halves(corpus, seed=0)[0])
    assert train(halves(corpus, seed=0)[0]) != train(halves(corpus, seed=1)[0])


def test_they_are_sound_and_say_what_they_are(make_faces, tmp_path):
    for half, which in zip(halves(make_faces(items=40), seed=3), ("first", "second"), strict=True):
        assert not [p for p in problems(half) if p.severity == "error"]
        store.save(half, tmp_path / which)
        again = store.load(tmp_path / which)
        assert again.name == f"faces-{which}"
        assert again.provenance.reader == f"make_corpus; {which} half, seed 3"


# --- copies --------------------------------------------------------------------------------------


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


def test_copies_of_training_images_of_another_corpus(make_faces):
    """Only the other's training rows count (0, 1, 4, ...); any row here may hold a copy of them."""
    trained_on, faces = make_faces(seed=1), make_faces()
    assert not copies_of_train(faces, trained_on).any()
    images = faces.features["face"].copy()
    images[[0, 3, 5]] = trained_on.features["face"][[4, 1, 2]]
    copied = replace(faces, features={"face": images})
    assert np.flatnonzero(copies_of_train(copied, trained_on)).tolist() == [0, 3]


def test_the_check_reports_them(make_faces):
    copied = with_copies(make_faces(), _3=0, _6=5, _7=1)
    reported = [str(p) for p in problems(copied) if p.field == "copies"]
    assert reported == [
        "copies: 1 image of dev and 2 of test are in train too, first in conversation "
        "`conversation-3`, turn 0; score without them as well"
    ]
    assert not [p for p in problems(make_faces()) if p.field == "copies"]


def test_fer2013_has_the_known_copies(shared_data):
    corpus = read(shared_data / "fer2013_ferplus_delta.npz")
    found = copies_of_train(corpus)
    counts = {split: int(found[corpus.items_in(split)].sum()) for split in ("train", "dev", "test")}
    assert counts == {"train": 0, "dev": 280, "test": 288}
