from dataclasses import replace

import pytest
import torch

from fedaffect.errors import UserError
from fedaffect.models import build

TRIO = {"audio": 3, "text": 4, "visual": 2}


def model(**settings):
    torch.manual_seed(0)
    chosen = {"width": 16, **settings}
    return build("early_fusion", chosen, modalities=TRIO, roles=2, classes=4).eval()


def test_parameters():
    project, role = (3 + 4 + 2 + 1) * 16, 3 * 16
    direction = 3 * (8 * (16 + 8) + 2 * 8)  # three gates of a GRU, each with two biases
    hidden, classify = (16 + 1) * 16, (16 + 1) * 4
    expected = project + role + 2 * direction + hidden + classify
    assert expected == 1796
    assert sum(p.numel() for p in model().parameters()) == expected


@pytest.mark.parametrize("modality", TRIO)
def test_an_absent_modality_is_a_row_of_zeros(make_batch, modality):
    batch, early = make_batch(), model()
    where = torch.zeros_like(batch.valid)
    where[0, 1] = True
    present = {**batch.present, modality: batch.present[modality] & ~where}
    zeros = batch.features[modality].masked_fill(where.unsqueeze(-1), 0)
    absent = early(replace(batch, present=present))
    zeroed = early(replace(batch, features={**batch.features, modality: zeros}))
    assert torch.equal(absent.logits, zeroed.logits)


def test_an_utterance_reaches_the_whole_of_its_conversation_and_no_other(make_batch):
    batch, early = make_batch(), model()
    text = batch.features["text"].clone()
    text[0, 2] += 1
    after = early(replace(batch, features={**batch.features, "text": text})).logits
    moved = (early(batch).logits - after).abs().amax(-1) > 1e-7
    assert moved[0].all()
    assert not moved[1].any()


def test_who_speaks_is_seen_unless_it_is_not_asked_for(make_batch):
    batch = make_batch()
    swapped = replace(batch, role=torch.where(batch.valid, 1 - batch.role.clamp_max(1), 2))
    for roles in (True, False):
        early = model(roles=roles)
        assert torch.equal(early(batch).logits, early(swapped).logits) is not roles


def test_dropout_falls_on_what_is_read_on_what_is_hidden_and_on_what_is_judged(make_batch, spy):
    early = model().train()
    dropped = spy(early.dropout)
    readers = [spy(m) for m in (early.context, early.hidden, early.classify)]
    early(make_batch())
    for (_, left), ((given, _),) in zip(dropped, readers, strict=True):
        assert given[0] is left


@pytest.mark.parametrize(
    ("settings", "field"),
    [({"width": 15}, "width"), ({"heads": 2}, "heads"), ({"layers": 0}, "lay")],
)
def test_a_wrong_setting_is_named(settings, field):
    with pytest.raises(UserError, match=field):
        model(**settings)
