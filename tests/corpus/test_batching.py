"""Conversations as padded rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.corpus.batching import by_length, padded_rows, rows_of, shuffled
from fedaffect.corpus.schema import ConversationCorpus, Provenance


def corpus_of(*lengths):
    rows = sum(lengths)
    conversation = np.repeat(np.arange(len(lengths)), lengths)
    zeros = np.zeros(rows, np.int64)
    return ConversationCorpus(
        name="lengths",
        classes=("a",),
        features={"text": np.zeros((rows, 1), np.float32)},
        present={"text": np.ones(rows, bool)},
        label=zeros,
        person=zeros,
        persons=("p",),
        split=zeros,
        provenance=Provenance("tests", "0" * 64, "tests"),
        conversation=conversation,
        conversations=tuple(f"c{i}" for i in range(len(lengths))),
        turn=np.concatenate([np.arange(n) for n in lengths]),
        role=zeros,
    )


def test_rows_and_padding_by_hand():
    """Conversations of 2, 3 and 1 turns are rows 0-1, 2-4 and 5; padding points at row 6."""
    found = padded_rows(corpus_of(2, 3, 1), np.array([2, 1]))
    np.testing.assert_array_equal(found, [[5, 6, 6], [2, 3, 4]])
    assert found.dtype == np.int64


def test_no_longer_than_the_longest_of_the_batch():
    assert padded_rows(corpus_of(2, 9, 1), np.array([0, 2])).shape == (2, 2)


@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 100))
@settings(deadline=None)
def test_an_epoch_holds_every_conversation_once(count, size, seed):
    conversations = np.arange(0, 2 * count, 2)
    batches = list(shuffled(conversations, size, np.random.default_rng(seed)))
    assert sorted(np.concatenate(batches)) == conversations.tolist()
    assert [len(b) for b in batches[:-1]] == [size] * (len(batches) - 1)
    assert 1 <= len(batches[-1]) <= size


def test_epochs_differ_and_seeds_decide():
    def epochs(seed):
        random = np.random.default_rng(seed)
        return [np.concatenate(list(shuffled(np.arange(20), 6, random))).tolist() for _ in range(2)]

    first, second = epochs(0)
    assert first != second
    assert epochs(0) == [first, second]
    assert epochs(1)[0] != first


def test_nothing_to_learn_from_is_no_batch():
    assert list(shuffled(np.zeros(0, np.int64), 4, np.random.default_rng(0))) == []


@pytest.mark.parametrize("size", [1, 2, 5])
def test_by_length_sorts_and_keeps_all(size):
    corpus = corpus_of(4, 1, 3, 1, 9)
    batches = list(by_length(corpus, np.array([0, 1, 2, 3, 4]), size))
    assert np.concatenate(batches).tolist() == [1, 3, 2, 0, 4]
    assert max(map(len, batches)) == size


def test_rows_of_conversations_follow_each_other():
    assert rows_of(corpus_of(2, 3, 1), np.array([2, 1])).tolist() == [5, 2, 3, 4]
