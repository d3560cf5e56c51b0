"""Perturbed data: missing modalities of utterances and clients, corrupted images, wrong labels."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.corpus.partition import all_in_one_client, partition
from fedaffect.corpus.perturbations import (
    confusions,
    corrupt_pictures,
    hide_from_all,
    hide_from_clients,
    hide_from_utterances,
    mislabel,
)
from fedaffect.errors import UserError
from fedaffect.experiment import Conditions, Partition
from fedaffect.randomness import generator
from fedaffect.schema import UNLABELLED, ClientData

rates = st.floats(0, 1)


@pytest.fixture(scope="module")
def corpus(make_corpus):
    """120 conversations of ten utterances, the last ten of dev and test; some lack audio or video."""
    return make_corpus(
        conversations=120,
        turns=10,
        classes=4,
        missing=0.2,
        modalities={"text": 2, "audio": 2, "video": 2},
        splits=[0] * 110 + [1] * 5 + [2] * 5,
    )


def present(corpus):
    """bool [items, modalities]"""
    return np.stack(list(corpus.present.values()), axis=1)


def shared(corpus, clients=10, name="iid"):
    return partition(corpus, Partition(name=name, clients=clients), 0)


# --- pictures ------------------------------------------------------------------------------------


def pictures(corpus):
    """The corpus with a grey face beside each utterance."""
    faces = np.random.default_rng(0).integers(0, 256, (len(corpus), 16, 16)).astype(np.uint8)
    return replace(
        corpus,
        features={**corpus.features, "face": faces},
        present={**corpus.present, "face": np.ones(len(corpus), bool)},
    )


def test_some_pictures_of_the_training_part_are_corrupted(corpus):
    before = pictures(corpus)
    changed = {}
    for rate in (0.3, 0.6):
        after = corrupt_pictures(before, Conditions(corrupted_pictures=rate), 0)
        changed[rate] = (after.features["face"] != before.features["face"]).any(axis=(1, 2))
        assert not changed[rate][~before.items_in("train")].any()
        assert changed[rate].sum() / before.items_in("train").sum() == pytest.approx(rate, abs=0.05)
        assert after.features["text"] is before.features["text"]
    assert not (changed[0.3] & ~changed[0.6]).any()
    assert corrupt_pictures(before, Conditions(), 0) is before


def test_without_pictures_none_can_be_corrupted(corpus):
    with pytest.raises(UserError, match=r"conditions\.corrupted_pictures: .* has no pictures"):
        corrupt_pictures(corpus, Conditions(corrupted_pictures=0.5), 0)


# --- utterances ----------------------------------------------------------------------------------


@given(rate=rates, seed=st.integers(0, 99), where=st.sampled_from(["train", "everywhere"]))
@settings(max_examples=40, deadline=None)
def test_an_utterance_loses_modalities_but_never_the_last(corpus, rate, seed, where):
    conditions = Conditions(missing_utterances=rate, missing_in=where)
    before, after = present(corpus), present(hide_from_utterances(corpus, conditions, seed))
    assert not (after & ~before).any()
    assert np.array_equal(after.any(axis=1), before.any(axis=1))
    elsewhere = ~corpus.items_in("train")
    if where == "train":
        assert np.array_equal(after[elsewhere], before[elsewhere])


def test_so_many_are_hidden_as_were_asked_for(corpus):
    """Of those who have all three, p - p³ / 3 of a modality: of three that would have gone one stays."""
    whole = replace(corpus, present={m: np.ones(len(corpus), bool) for m in corpus.present})
    conditions = Conditions(missing_utterances=0.6, missing_in="everywhere")
    after = present(hide_from_utterances(whole, conditions, 0))
    np.testing.assert_allclose(1 - after.mean(axis=0), 0.6 - 0.6**3 / 3, atol=0.04)
    one = hide_from_utterances(whole, Conditions(missing_utterances=1, missing_in="everywhere"), 0)
    assert (present(one).sum(axis=1) == 1).all()
    np.testing.assert_allclose(present(one).mean(axis=0), 1 / 3, atol=0.04)


@given(low=rates, high=rates)
@settings(max_examples=25, deadline=None)
def test_what_is_hidden_at_a_low_rate_is_hidden_at_a_higher(corpus, low, high):
    low, high = sorted((low, high))
    few, many = (
        present(hide_from_utterances(corpus, Conditions(missing_utterances=r), 3))
        for r in (low, high)
    )
    assert not (many & ~few).any()


def test_the_draw_of_an_utterance_does_not_depend_on_other_modalities(corpus):
    conditions = Conditions(missing_utterances=0.3, missing_modality="text")
    among = hide_from_utterances(corpus, conditions, 0)
    pair = hide_from_utterances(corpus.with_modalities(("text", "video")), conditions, 0)
    both = corpus.present["video"]  # so text is the last of neither
    assert np.array_equal(among.present["text"][both], pair.present["text"][both])
    for name in ("audio", "video"):
        assert np.array_equal(among.present[name], corpus.present[name])
    train = corpus.items_in("train")
    assert 0.2 < 1 - among.present["text"][train].mean() < 0.4


def test_without_a_rate_the_corpus_is_the_corpus(corpus):
    assert hide_from_utterances(corpus, Conditions(), 0) is corpus


# --- clients -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fraction", "expected"), [(0.0, 0), (0.3, 3), (0.55, 6), (1.0, 10)])
def test_a_fraction_of_the_clients_lacks_one_modality(corpus, fraction, expected):
    conditions = Conditions(missing_clients=fraction)
    found = hide_from_clients(corpus, shared(corpus), conditions, 0)
    lacking = [data.lacking for data in found if data.lacking]
    assert len(lacking) == expected
    assert all(len(names) == 1 for names in lacking)
    assert {m for names in lacking for m in names} <= set(corpus.features)
    for data in found:
        view = data.view(corpus)
        for name, rows in corpus.present.items():
            left = np.zeros_like(rows) if name in data.lacking else rows
            assert np.array_equal(view.present[name], left)


def test_who_lacks_something_among_few_lacks_the_same_among_many(corpus):
    few, many = (
        hide_from_clients(corpus, shared(corpus), Conditions(missing_clients=f), 5)
        for f in (0.4, 0.8)
    )
    for one, other in zip(few, many, strict=True):
        assert one.lacking in ((), other.lacking)
    others = hide_from_clients(corpus, shared(corpus), Conditions(missing_clients=0.8), 6)
    assert [s.lacking for s in others] != [s.lacking for s in many]


def test_what_nothing_is_left_of_is_context(corpus):
    """Without text, an utterance that has neither audio nor video teaches nothing."""
    conditions = Conditions(missing_clients=1, missing_modality="text")
    bare = ~(corpus.present["audio"] | corpus.present["video"])
    assert bare[corpus.items_in("train")].any()
    for before, after in zip(
        shared(corpus), hide_from_clients(corpus, shared(corpus), conditions, 0), strict=True
    ):
        assert after.lacking == ("text",)
        assert np.array_equal(after.supervised, before.supervised[~bare[before.supervised]])
        assert np.array_equal(after.conversations, before.conversations)


def test_in_one_place_only_what_nobody_sees_is_hidden(corpus):
    """0 and 1 are of one who has no audio, 1 and 2 of one who has all; 3 of one who has no text."""
    conversations = [np.array([0, 1]), np.array([1, 2]), np.array([3])]
    hands = [ClientData(f"client-{i}", c, np.arange(0)) for i, c in enumerate(conversations)]
    everything = np.ones(len(corpus), bool)
    hands[0] = replace(hands[0], hidden={"audio": everything})
    hands[2] = replace(hands[2], hidden={"text": everything})
    (whole,) = all_in_one_client(corpus)
    found = hide_from_all(corpus, whole, hands)
    held = corpus.conversation <= 3
    for name, mine in {"audio": [0], "text": [3]}.items():
        unseen = np.isin(corpus.conversation, mine)
        assert np.array_equal(found.hidden[name][held], unseen[held])
    for rows in found.hidden.values():
        assert not rows[~corpus.items_in("train")].any()
    assert found.lacking == ()
    assert hide_from_all(corpus, whole, hands[1:2]) is whole


@pytest.mark.parametrize("conditions", [{"missing_clients": 0.5}, {"missing_utterances": 0.5}])
def test_a_modality_that_nobody_has_cannot_be_missing(corpus, conditions):
    conditions = Conditions(**conditions, missing_modality="smell")
    with pytest.raises(
        UserError, match=r"missing_modality: .* no modality `smell`; name one of audio"
    ):
        hide_from_clients(hide_from_utterances(corpus, conditions, 0), [], conditions, 0)


def test_who_lacks_the_only_modality_would_have_nothing(corpus):
    text = corpus.with_modalities(("text",))
    with pytest.raises(UserError, match=r"conditions.missing_clients: .* one modality"):
        hide_from_clients(text, shared(text), Conditions(missing_clients=0.1), 0)


# --- labels --------------------------------------------------------------------------------------


@given(
    classes=st.integers(2, 9),
    sparsity=st.floats(0, 0.99),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_confusions_are_sparse_and_stochastic_for_any_number_of_classes(classes, sparsity, seed):
    found = confusions(classes, sparsity, np.random.default_rng(seed))
    assert found.shape == (classes, classes)
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert not np.diagonal(found).any()
    assert ((found > 0).sum(axis=1) == max(1, round((1 - sparsity) * (classes - 1)))).all()


def test_of_two_classes_the_wrong_one_is_the_other(corpus):
    assert confusions(2, 0.4, np.random.default_rng(0)).tolist() == [[0, 1], [1, 0]]


def noisy(corpus, noise, seed=0, **more):
    """Labels as the clients have them, [items]; where nobody learns from them, as they are."""
    label = corpus.label.copy()
    for data in mislabel(corpus, shared(corpus), Conditions(label_noise=noise, **more), seed):
        label = data.view(replace(corpus, label=label)).label
    return label


def test_labels_turn_by_the_matrix(corpus):
    """Its random numbers follow those of who is turned, so it can be drawn again."""
    label = np.tile(np.arange(4), 3000)
    many = replace(corpus, label=label, present={}, features={}, conversation=label * 0)
    data = ClientData("one", np.array([0]), np.arange(len(label)))
    (found,) = mislabel(many, [data], Conditions(label_noise=0.3), 0)
    counted = np.zeros((4, 4))
    np.add.at(counted, (label, found.label), 1 / 3000)
    np.testing.assert_allclose(np.diagonal(counted), 0.7, atol=0.03)
    # (1 - 0.4) · 3 wrong classes is two of three: one in every row stays empty.
    assert ((counted > 0).sum(axis=1) == 3).all()
    random = generator(0, "label noise")
    random.random(len(label))
    expected = 0.7 * np.eye(4) + 0.3 * confusions(4, 0.4, random)
    np.testing.assert_allclose(counted, expected, atol=0.03)


@pytest.mark.parametrize("name", ["iid", "person", "random_classes"])
def test_whoever_holds_an_utterance_its_label_turns_alike(corpus, name):
    conditions = Conditions(label_noise=0.4)
    (whole,) = mislabel(corpus, all_in_one_client(corpus), conditions, 2)
    truth = whole.view(corpus).label
    for data in mislabel(corpus, shared(corpus, name=name), conditions, 2):
        assert np.array_equal(data.label, truth[data.supervised])


def test_only_labels_that_are_learnt_from_turn(corpus):
    holes = np.where(np.arange(len(corpus)) % 7 == 0, UNLABELLED, corpus.label)
    label = noisy(replace(corpus, label=holes), 1.0)
    train = corpus.items_in("train") & (holes != UNLABELLED)
    assert np.array_equal(label[~train], holes[~train])
    assert (label[train] != holes[train]).all()
    assert set(label[train]) <= set(range(4))


@given(low=rates, high=rates)
@settings(max_examples=15, deadline=None)
def test_what_is_wrong_at_a_low_rate_is_wrong_in_the_same_way_at_a_higher(corpus, low, high):
    low, high = sorted((low, high))
    few, many = noisy(corpus, low), noisy(corpus, high)
    wrong = few != corpus.label
    assert np.array_equal(few[wrong], many[wrong])


def test_one_class_cannot_be_mistaken(make_corpus):
    single = make_corpus(classes=1)
    with pytest.raises(UserError, match=r"conditions.label_noise: tiny has a single class"):
        mislabel(single, all_in_one_client(single), Conditions(label_noise=0.1), 0)


def test_without_conditions_shares_are_what_they_were(corpus):
    client_data = shared(corpus)
    for found in (
        hide_from_clients(corpus, client_data, Conditions(), 0),
        mislabel(corpus, client_data, Conditions(), 0),
    ):
        assert all(one is other for one, other in zip(found, client_data, strict=True))
    assert client_data[0].view(corpus) is corpus
