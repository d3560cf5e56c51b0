"""Two halves: nothing of the one in the other."""

from dataclasses import replace

import numpy as np
import pytest

from fedaffect.corpus import store
from fedaffect.corpus.check import problems
from fedaffect.corpus.copies import copies_of_train
from fedaffect.corpus.halves import halves
from fedaffect.errors import UserError


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
    with pytest.raises(UserError, match="one half is nothing but copies"):
        halves(same, seed=0)


def test_too_few(make_corpus):
    with pytest.raises(UserError, match="1 training conversations make no two halves"):
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
