from dataclasses import replace

import pytest
import torch

from fedaffect.errors import UserError
from fedaffect.models import build
from fedaffect.models.dialogue_rnn import Backwards, GeneralAttention, Parties
from fedaffect.models.layers.packing import Packing

TRIO = {"audio": 3, "text": 4, "visual": 2}
ONLINE = {"bidirectional": False, "attention": False}


def model(roles=2, **settings):
    torch.manual_seed(0)
    chosen = {"width": 8, "emotion_width": 6, **settings}
    return build("dialogue_rnn", chosen, modalities=TRIO, roles=roles, classes=4).eval()


def parties(listener=False):
    torch.manual_seed(0)
    return Parties(8, listener)


def moved(network, batch, turn):
    """Which utterances are judged differently once one is edited, bool [N]."""
    text = batch.features["text"].clone()
    text[0, turn] += 1
    other = replace(batch, features={**batch.features, "text": text})
    change = network(batch).logits[0] - network(other).logits[0]
    return change.abs().amax(-1) > 1e-7


@pytest.mark.parametrize(
    ("settings", "total"), [({}, 3632), ({"listener": True}, 3632 + 2 * 624), (ONLINE, 1750)]
)
def test_parameters(settings, total):
    cell = 3 * (16 * 8 + 8) + 3 * (8 * 8 + 8)
    emotion = 3 * (8 * 6 + 6) + 3 * (6 * 6 + 6)
    direction = 8 * 8 + (3 if settings.get("listener") else 2) * cell + emotion
    project = 9 * 8 + 8
    if settings is ONLINE:
        expected = project + direction + (6 * 6 + 6) + (6 * 4 + 4)
    else:
        expected = project + 2 * direction + 12 * 12 + (12 * 12 + 12) + (12 * 4 + 4)
    assert sum(p.numel() for p in model(**settings).parameters()) == expected == total


@torch.no_grad()
@pytest.mark.parametrize("listener", [False, True])
def test_a_party_changes_while_another_speaks_only_if_it_listens(listener):
    state, past = torch.randn(2, 3, 8), torch.randn(2, 4, 8)
    who = torch.tensor([[False, True, False], [True, False, False]]).unsqueeze(-1)
    heard, after = parties(listener).turn(torch.randn(2, 8), who, past, state)
    changed = (after != state).any(-1)
    assert changed.tolist() == [[listener, True, listener], [True, listener, listener]]
    assert heard.shape == (2, 5, 8)
    assert torch.equal(heard[:, :4], past)


@torch.no_grad()
def test_a_turn_by_hand():
    cells = parties(listener=True)
    utterance, past, state = torch.randn(1, 8), torch.randn(1, 4, 8), torch.randn(1, 2, 8)
    silent, speaks = state.unbind(dim=1)
    context = cells.attend(utterance.unsqueeze(1), past).squeeze(1)
    conversation = cells.conversation(torch.cat([utterance, speaks], dim=-1), past[:, -1])
    speaker = cells.speaker(torch.cat([utterance, context], dim=-1), speaks)
    listener = cells.listener(torch.cat([utterance, speaker], dim=-1), silent)
    who = torch.tensor([[[False], [True]]])
    heard, after = cells.turn(utterance, who, past, state)
    torch.testing.assert_close(heard[:, 4], conversation)
    torch.testing.assert_close(after, torch.stack([listener, speaker], dim=1))


@torch.no_grad()
def test_two_turns_of_one_speaker_by_hand():
    cells, stream = parties(), torch.randn(1, 2, 8)
    one, other = stream.unbind(dim=1)
    alone = torch.cat([one, torch.zeros(1, 8)], dim=-1)
    first = cells.speaker(alone)
    second = cells.speaker(torch.cat([other, cells.conversation(alone)], dim=-1), first)
    states = cells(stream, torch.tensor([[[True, False], [True, False]]]))
    torch.testing.assert_close(states, torch.stack([first, second], dim=1))


@torch.no_grad()
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("attention", [False, True])
def test_only_without_backward_direction_and_attention_is_the_future_unseen(
    make_batch, bidirectional, attention
):
    network = model(bidirectional=bidirectional, attention=attention)
    after = moved(network, make_batch([6]), 3)
    assert after[3:].all()
    assert after[:3].all() == (bidirectional or attention)
    assert after[:3].any() == (bidirectional or attention)


@torch.no_grad()
def test_it_matters_who_speaks_but_not_under_which_number(make_batch):
    network, batch = model(roles=3), make_batch([7, 4], roles=3)
    number = torch.tensor([2, 0, 1, 3])
    renamed = replace(batch, role=number[batch.role])
    judged = network(batch).logits
    torch.testing.assert_close(network(renamed).logits, judged)
    one = replace(batch, role=batch.role.masked_fill(batch.valid, 0))
    assert not torch.allclose(network(one).logits, judged)


def test_backwards_begins_each_conversation_at_its_end():
    valid = torch.arange(4) < torch.tensor([[3], [1], [4]])
    order, utterance = Backwards(valid), torch.arange(1, 9)
    expected = [[3, 2, 1, 0], [4, 0, 0, 0], [8, 7, 6, 5]]
    assert order.unpack(utterance).tolist() == expected
    assert torch.equal(order.pack(order.unpack(utterance)), utterance)
    assert torch.equal(order.lengths, Packing(valid).lengths)


@torch.no_grad()
def test_general_attention_reads_what_it_may():
    attention = GeneralAttention(2)
    attention.score.weight.copy_(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
    query = torch.tensor([[[5.0, 2.0]]])
    memory = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [9.0, 9.0]]])
    readable = torch.tensor([[True, True, False]])
    # W q = (2, 0), so that the scores are 2 and 0.
    first = torch.tensor(2.0).exp() / (torch.tensor(2.0).exp() + 1)
    read = attention(query, memory, readable)
    torch.testing.assert_close(read[0, 0], torch.stack([first, 1 - first]))
    torch.testing.assert_close(attention(query, memory[:, :2]), read)
    assert not attention(query, memory[:, :0]).any()


@pytest.mark.parametrize(
    ("settings", "field"),
    [({"width": 0}, "width"), ({"dropout": 1.0}, "dropout"), ({"listen": True}, "listen")],
)
def test_unsound_settings_are_refused_by_name(settings, field):
    with pytest.raises(UserError, match=f"model: {field}"):
        model(**settings)
