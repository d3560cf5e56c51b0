"""Sharing out training conversations."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.corpus.partition import all_in_one_client, labels_per_client, partition
from fedaffect.errors import UserError
from fedaffect.experiment import Partition
from fedaffect.schema import UNLABELLED

DRAWN = ("iid", "dirichlet", "volume", "volume_and_labels", "random_classes")
NAMES = (*DRAWN, "person", "session")


@pytest.fixture(scope="module")
def corpus(make_corpus):
    """Forty training conversations of six utterances over four classes; twelve persons."""
    return make_corpus(
        conversations=44, turns=6, classes=4, persons=12, splits=[0] * 40 + [1] * 2 + [2] * 2
    )


def shares_of(corpus, name, seed=0, **settings_):
    return partition(corpus, Partition(name=name, **settings_), seed)


def held(client_data):
    return np.concatenate([s.conversations for s in client_data])


# --- all -----------------------------------------------------------------------------------------


@given(
    name=st.sampled_from(DRAWN),
    clients=st.integers(1, 40),
    alpha=st.floats(0.01, 100),
    seed=st.integers(0, 1000),
)
@settings(max_examples=100, deadline=None)
def test_every_training_conversation_goes_to_exactly_one_client(corpus, name, clients, alpha, seed):
    client_data = shares_of(corpus, name, seed, clients=clients, alpha=alpha)
    assert len(client_data) == clients
    assert sorted(held(client_data)) == corpus.conversations_in("train").tolist()
    assert len({s.name for s in client_data}) == clients
    for data in client_data:
        assert data.volume == len(data.supervised) > 0
        assert (np.diff(data.conversations) > 0).all()
        assert (np.diff(data.supervised) > 0).all()
        # Supervision is inside what is held; nothing of dev or test is touched.
        assert np.isin(corpus.conversation[data.supervised], data.conversations).all()
        assert (corpus.label[data.supervised] != UNLABELLED).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_decides(corpus, name):
    def bits(seed):
        client_data = shares_of(corpus, name, seed, clients=8)
        return [(s.name, s.conversations.tolist(), s.supervised.tolist()) for s in client_data]

    assert bits(3) == bits(3)
    if name in DRAWN:
        assert bits(3) != bits(4)


@pytest.mark.parametrize("name", NAMES)
def test_unlabelled_utterances_are_context(corpus, name):
    label = corpus.label.copy()
    label[::3] = UNLABELLED
    sparse = replace(corpus, label=label)
    client_data = shares_of(sparse, name, clients=8)
    supervised = np.concatenate([s.supervised for s in client_data])
    assert not np.isin(np.arange(0, len(label), 3), supervised).any()
    assert set(held(client_data)) == set(corpus.conversations_in("train"))


@pytest.mark.parametrize("name", ["iid", "dirichlet", "random_classes"])
def test_more_clients_than_conversations_are_refused(corpus, name):
    with pytest.raises(
        UserError, match=r"partition.clients: 41 clients cannot share 40 .* at most 40"
    ):
        shares_of(corpus, name, clients=41)


def test_labels_per_client_by_hand(corpus):
    client_data = shares_of(corpus, "iid", clients=5)
    table = labels_per_client(corpus, client_data)
    assert table.shape == (5, 4)
    for row, data in zip(table, client_data, strict=True):
        assert row.tolist() == [(corpus.label[data.supervised] == k).sum() for k in range(4)]


def test_pooled_is_everything(corpus):
    (data,) = all_in_one_client(corpus)
    assert data.conversations.tolist() == list(range(40))
    assert data.supervised.tolist() == list(range(240))


# --- one by one ----------------------------------------------------------------------------------


@pytest.mark.parametrize("clients", [1, 7, 40])
def test_iid_deals_equal_hands(corpus, clients):
    sizes = [len(s.conversations) for s in shares_of(corpus, "iid", clients=clients)]
    assert max(sizes) - min(sizes) <= 1


def test_one_client_iid_is_pooled(corpus):
    (one,), (all_,) = shares_of(corpus, "iid", clients=1), all_in_one_client(corpus)
    np.testing.assert_array_equal(one.conversations, all_.conversations)
    np.testing.assert_array_equal(one.supervised, all_.supervised)


def skew(corpus, client_data):
    """Mean total variation between a client's labels and everybody's."""
    table = labels_per_client(corpus, client_data)
    mine = table / table.sum(axis=1, keepdims=True)
    everybody = table.sum(axis=0) / table.sum()
    return np.abs(mine - everybody).sum(axis=1).mean() / 2


@pytest.fixture(scope="module")
def moody(make_corpus):
    """Conversations that keep one emotion throughout: what label skew can get hold of."""
    made = make_corpus(conversations=204, turns=3, classes=4, splits=[0] * 200 + [1] * 2 + [2] * 2)
    return replace(made, label=np.repeat(np.arange(204) % 4, 3))


def test_small_alpha_is_unequal_and_large_alpha_is_not(moody):
    found = {
        alpha: np.mean(
            [
                skew(moody, shares_of(moody, "dirichlet", s, clients=5, alpha=alpha))
                for s in range(5)
            ]
        )
        for alpha in (0.05, 1.0, 1000.0)
    }
    chance = np.mean([skew(moody, shares_of(moody, "iid", s, clients=5)) for s in range(5)])
    assert found[0.05] > 0.4
    assert found[0.05] > found[1.0] + 0.1 > found[1000.0] + 0.2
    assert found[1000.0] < chance + 0.05


def test_a_person_learns_from_its_own_words_in_whole_conversations(corpus):
    client_data = shares_of(corpus, "person", clients=3)  # `clients` is ignored
    train = corpus.items_in("train")
    persons = np.unique(corpus.person[train])
    assert [s.name for s in client_data] == [corpus.persons[p] for p in persons]
    for person, data in zip(persons, client_data, strict=True):
        own = np.flatnonzero(train & (corpus.person == person))
        assert data.supervised.tolist() == own.tolist()
        assert data.conversations.tolist() == np.unique(corpus.conversation[own]).tolist()
    # Every utterance is learnt from exactly once, though conversations are held by all in them.
    everything = np.concatenate([s.supervised for s in client_data])
    assert sorted(everything) == np.flatnonzero(train).tolist()
    assert len(held(client_data)) == 80


def test_a_person_without_a_training_word_is_no_client(corpus):
    person = corpus.person.copy()
    person[~corpus.items_in("train")] = 12
    more = replace(corpus, person=person, persons=(*corpus.persons, "only in test"))
    assert "only in test" not in [s.name for s in shares_of(more, "person")]


@given(clients=st.integers(2, 40), seed=st.integers(0, 500))
@settings(max_examples=60, deadline=None)
def test_random_class_sets(corpus, clients, seed):
    client_data = shares_of(corpus, "random_classes", seed, clients=clients)
    table = labels_per_client(corpus, client_data)
    for data, row in zip(client_data, table, strict=True):
        rows = np.flatnonzero(np.isin(corpus.conversation, data.conversations))
        occurs = np.bincount(corpus.label[rows], minlength=4)
        # A class is kept whole or not at all; at least two, where two occur.
        assert all(n in (0, o) for n, o in zip(row, occurs, strict=True))
        assert (row > 0).sum() >= min(2, (occurs > 0).sum())
    # Every class is held by two clients, where two have utterances of it.
    for label in range(4):
        could = sum(
            (corpus.label[np.isin(corpus.conversation, s.conversations)] == label).any()
            for s in client_data
        )
        assert (table[:, label] > 0).sum() >= min(2, could)


def test_random_class_sets_have_every_size(corpus):
    """k_i ~ Uniform{2..C}: over many seeds 2, 3 and 4 of 4 classes, about equally often.

    Few clients hold many conversations, so that all classes occur with each; the rule of two
    holders seldom adds one.
    """
    sizes = [
        int((row > 0).sum())
        for seed in range(60)
        for row in labels_per_client(corpus, shares_of(corpus, "random_classes", seed, clients=8))
    ]
    data = np.bincount(sizes, minlength=5)[2:] / len(sizes)
    assert (np.abs(data - 1 / 3) < 0.1).all()


def test_random_class_sets_deal_conversations_evenly(corpus):
    sizes = [len(s.conversations) for s in shares_of(corpus, "random_classes", clients=7)]
    assert max(sizes) - min(sizes) <= 1


def test_two_classes_are_all_there_are(make_corpus):
    two = make_corpus(conversations=8, turns=6, classes=2)
    client_data = shares_of(two, "random_classes", clients=3)
    assert sum(s.volume for s in client_data) == 36


def test_as_many_clients_as_conversations_get_one_each_however_skewed(corpus):
    for seed in range(5):
        client_data = shares_of(corpus, "dirichlet", seed, clients=40, alpha=0.01)
        assert [len(s.conversations) for s in client_data] == [1] * 40


def test_no_one_speaks_in_an_empty_training_part(make_corpus):
    silent = make_corpus(conversations=2, splits=[1, 2])
    assert shares_of(silent, "person") == []


# --- volume, session, shots ----------------------------------------------------------------------


def spread(values):
    """0 where all are equal."""
    return np.std(values) / np.mean(values)


@pytest.mark.parametrize("name", ["volume", "volume_and_labels"])
def test_a_small_alpha_makes_unequal_sizes(make_corpus, name):
    many = make_corpus(conversations=402, turns=3, splits=[0] * 400 + [1, 2])

    def sizes(alpha):
        client_data = [shares_of(many, name, s, clients=8, alpha=alpha) for s in range(5)]
        return np.mean([spread([len(s.conversations) for s in each]) for each in client_data])

    assert sizes(0.3) > 2 * sizes(1000)


def test_volume_alone_leaves_labels_alike(make_corpus):
    many = make_corpus(conversations=402, turns=3, splits=[0] * 400 + [1, 2])

    def unlike(name):
        counts = labels_per_client(many, shares_of(many, name, 1, clients=4, alpha=0.2)) + 1.0
        return spread(counts / counts.sum(axis=1, keepdims=True))

    assert unlike("volume") < unlike("volume_and_labels")


def test_a_session_is_who_talks_with_each_other(make_corpus):
    """Persons 0-1, 2-3, 3-4 talk in training, so 2, 3 and 4 are one; 5-0 meet in test only."""
    corpus = make_corpus(conversations=5, turns=2, persons=6, splits=[0, 0, 0, 1, 2])
    person = np.array([0, 1, 2, 3, 3, 4, 2, 3, 5, 0])
    client_data = shares_of(replace(corpus, person=person), "session")
    assert [s.name for s in client_data] == ["person-0+person-1", "person-2+person-3+person-4"]
    assert [s.conversations.tolist() for s in client_data] == [[0], [1, 2]]


def test_a_large_session_has_a_short_name(make_corpus):
    corpus = make_corpus(conversations=9, turns=2, persons=8, splits=[0] * 7 + [1, 2])
    chain = np.repeat(np.arange(9), 2) + np.tile([0, 1], 9)
    (data,) = shares_of(replace(corpus, person=np.minimum(chain, 7)), "session")
    assert data.name == "person-0+person-1+person-2+5 more"


@pytest.mark.parametrize("name", NAMES)
def test_shots_mask_labels_and_nothing_else(corpus, name):
    whole = shares_of(corpus, name, clients=6)
    few = shares_of(corpus, name, clients=6, shots=2)
    assert [s.conversations.tolist() for s in few] == [s.conversations.tolist() for s in whole]
    before, after = labels_per_client(corpus, whole), labels_per_client(corpus, few)
    np.testing.assert_array_equal(after, np.minimum(before, 2))
    for one, all_ in zip(few, whole, strict=True):
        assert np.isin(one.supervised, all_.supervised).all()
