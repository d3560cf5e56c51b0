"""What CMN and ICON have in common is tested here for both."""

from dataclasses import replace

import pytest
import torch

from fedaffect.errors import UserError
from fedaffect.models import build
from fedaffect.models.base import DialogueBatch

TRIO = {"audio": 3, "text": 4, "visual": 2}


def model(name="cmn", roles=2, **settings):
    torch.manual_seed(0)
    chosen = {"width": 8, **settings}
    return build(name, chosen, modalities=TRIO, roles=roles, classes=4).eval()


@pytest.fixture(params=["cmn", "icon"])
def name(request):
    return request.param


def moved(network, batch, other):
    """Which utterances of the first conversation are judged differently, bool [N]."""
    change = network(batch).logits[0] - network(other).logits[0]
    return change.abs().amax(-1) > 1e-6


def edited(batch, turn):
    text = batch.features["text"].clone()
    text[0, turn] += 1
    return replace(batch, features={**batch.features, "text": text})


def speaking(batch, turn, role):
    roles = batch.role.clone()
    roles[0, turn] = role
    return replace(batch, role=roles)


def cut(batch, start):
    """The batch without the first utterances."""
    return DialogueBatch(
        {m: x[:, start:] for m, x in batch.features.items()},
        {m: x[:, start:] for m, x in batch.present.items()},
        *(x[:, start:] for x in (batch.role, batch.valid, batch.label, batch.supervised)),
    )


def test_parameters():
    gru = 3 * (8 * 8 + 8) + 3 * (8 * 8 + 8)
    speech = 3 * (9 * 8 + 8) + 3 * (8 * 8 + 8)
    expected = (9 * 8 + 8) + 2 * speech + 2 * gru + (8 * 4 + 4)
    assert sum(p.numel() for p in model().parameters()) == expected == 1892


@torch.no_grad()
def test_an_utterance_sees_itself_and_what_came_before(name, make_batch):
    network, batch = model(name), make_batch([7])
    after = moved(network, batch, edited(batch, 3))
    assert after.tolist() == [turn >= 3 for turn in range(7)]


@torch.no_grad()
def test_it_sees_no_further_back_than_its_history(name, make_batch):
    network, batch = model(name, history=3), make_batch([9])
    after = moved(network, batch, edited(batch, 2))
    assert after.tolist() == [2 <= turn <= 5 for turn in range(9)]
    last = network(batch).logits[0, -1]
    torch.testing.assert_close(network(cut(batch, 5)).logits[0, -1], last)


@torch.no_grad()
def test_it_matters_who_said_what_came_before(name, make_batch):
    network, batch = model(name), make_batch([7])
    after = moved(network, batch, speaking(batch, 3, 1 - int(batch.role[0, 3])))
    assert not after[:3].any()
    assert after[4:].all()


@torch.no_grad()
def test_all_the_others_are_one(name, make_batch):
    network, batch = model(name, roles=4), make_batch([12], roles=4)
    own = batch.role == 2
    merged = replace(batch, role=torch.where(own, 2, 0))
    judged, other = network(batch).logits, network(merged).logits
    torch.testing.assert_close(judged[own], other[own])
    assert not torch.allclose(judged[~own], other[~own])


@torch.no_grad()
def test_roles_are_told_apart_and_not_known_by_number(name, make_batch):
    network, batch = model(name), make_batch([7])
    swapped = replace(batch, role=1 - batch.role)
    torch.testing.assert_close(network(batch).logits, network(swapped).logits)


@torch.no_grad()
def test_who_is_alone_hears_no_other(name, make_batch):
    network, batch = model(name, roles=1), make_batch([5], roles=1)
    before = network(batch).logits
    for parameter in network.other.parameters():
        parameter += 1
    torch.testing.assert_close(network(batch).logits, before)


@torch.no_grad()
def test_an_utterance_without_a_past_is_judged_by_itself(name, make_batch):
    network, batch = model(name, hops=2), make_batch([1, 1])
    features = torch.cat(list(batch.features.values()), dim=-1)
    query = network.query(features).tanh()
    expected = network.classify(query.tanh().tanh())
    torch.testing.assert_close(network(batch).logits, expected)


@torch.no_grad()
def test_one_hop_by_hand(make_batch):
    """The last of three utterances: the first was its speaker's own, the second another's."""
    network = model(hops=1)
    batch = replace(make_batch([3]), role=torch.tensor([[0, 1, 0]]))
    stream = torch.cat(list(batch.features.values()), dim=-1)[0]
    query, rows = network.query(stream[2]).tanh(), torch.tensor([[0, 1]])
    found = torch.zeros(8)
    for speech, memory, slot in (
        (network.own, network.own_memory, 0),
        (network.other, network.other_memory, 1),
    ):
        spoke = torch.tensor([[slot == 0, slot == 1]])
        read = memory(speech(stream, rows, spoke).tanh())[0][0]
        read[1 - slot] = 0
        found += (read @ query).tanh().softmax(dim=0) @ read
    expected = network.classify((query + found).tanh())
    torch.testing.assert_close(network(batch).logits[0, 2], expected)


def test_dropout_falls_on_what_is_said_and_on_attention(name, make_batch, spy):
    network = model(name, hops=2).train()
    dropped = spy(network.dropout)
    network(make_batch([5]))
    memories = {"cmn": 2, "icon": 1}[name]
    of_speech = [memory for _, memory in dropped if memory.shape[1:] == (4, 8)]
    of_attention = [weight for _, weight in dropped if weight.shape == (5, 4)]
    assert (len(of_speech), len(of_attention)) == (memories, 2 * memories)
    assert len(dropped) == len(of_speech) + len(of_attention)


@pytest.mark.parametrize(
    ("settings", "field"), [({"hops": 0}, "hops"), ({"history": 0}, "history"), ({"hop": 1}, "hop")]
)
def test_unsound_settings_are_refused_by_name(name, settings, field):
    with pytest.raises(UserError, match=f"model: {field}"):
        model(name, **settings)
