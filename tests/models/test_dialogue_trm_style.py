from dataclasses import replace

import pytest
import torch

from fedaffect.errors import UserError
from fedaffect.models import build

TRIO = {"audio": 3, "text": 4, "visual": 2}


def model(modalities=TRIO, **settings):
    torch.manual_seed(0)
    chosen = {"width": 16, "heads": 2, **settings}
    return build("dialogue_trm_style", chosen, modalities=modalities, roles=2, classes=4).eval()


def moves(trm, batch, modality, row, turn):
    """Where the logits move when a modality does at one utterance, bool [B, N]."""
    features = batch.features[modality].clone()
    features[row, turn] += 1
    other = replace(batch, features={**batch.features, modality: features})
    return (trm(batch).logits != trm(other).logits).any(-1)


def test_parameters():
    project, role, gate = (3 + 1 + 4 + 1 + 2 + 1) * 16, 3 * 16, 16 * 16
    feedforward = 2 * (16 + 1) * 16
    encoder = 4 * (16 + 1) * 16 + 2 * 16 + feedforward
    classify = (16 + 1) * 4
    # One modality is sequential, two are feed-forward; the second encoder is vector-grained.
    expected = project + role + encoder + 2 * feedforward + encoder + gate + classify
    assert expected == 4980
    assert sum(p.numel() for p in model().parameters()) == expected


def test_context_is_read_in_a_sequential_modality_only(make_batch):
    batch, trm = make_batch(), model()
    assert moves(trm, batch, "text", 0, 2).tolist() == [[True] * 5, [False] * 5]
    for free in ("audio", "visual"):
        assert moves(trm, batch, free, 0, 2).tolist() == [
            [turn == 2 for turn in range(5)],
            [False] * 5,
        ]


def test_which_are_sequential_is_a_choice(make_batch):
    trm = model(sequential=["audio", "visual"])
    assert set(trm.sequential) == {"audio", "visual"}
    assert set(trm.feedforward) == {"text"}
    moved = {m: moves(trm, make_batch(), m, 0, 2)[0].all().item() for m in TRIO}
    assert moved == {"audio": True, "text": False, "visual": True}
    assert set(model(main="visual").sequential) == {"visual"}
    assert set(model({"audio": 3, "text_minilm": 4}).sequential) == {"text_minilm"}


def test_place_and_role_matter_where_context_is_read(make_batch):
    batch = make_batch()
    swapped = replace(batch, role=torch.where(batch.valid, 1 - batch.role.clamp_max(1), 2))
    for roles in (True, False):
        trm = model(roles=roles)
        assert torch.equal(trm(batch).logits, trm(swapped).logits) is not roles
    backwards = replace(
        make_batch([4]), features={m: x.flip(1) for m, x in make_batch([4]).features.items()}
    )
    trm = model(roles=False)
    one, other = trm(make_batch([4])).logits, trm(backwards).logits.flip(1)
    assert not torch.allclose(one, other, atol=1e-4)


def test_the_vectors_of_an_utterance_attend_to_those_present(make_batch):
    batch, trm = make_batch(), model()
    absent = batch.valid.clone()
    absent[0, 1] = False
    batch = replace(batch, present={**batch.present, "audio": absent})
    calls = []
    with trm.vector_grained.register_forward_hook(lambda _, read, out: calls.append((*read, out))):
        prediction = trm(batch)
    ((vectors, source, here, inside, out),) = calls
    assert source is None
    assert here[1].tolist() == [False, True, True]
    # Utterance 1 without its audio is one whose conversation of modalities has two members.
    pair = type(inside)(torch.ones(1, 2, dtype=torch.bool))
    alone = trm.vector_grained(vectors[4:6], None, torch.ones(1, 2, dtype=torch.bool), pair)
    torch.testing.assert_close(out[4:6], alone)
    assert prediction.modality_weights[0, 1, 0] == 0
    assert (prediction.modality_weights[0, 1, 1:] > 0).all()


def test_an_utterance_whose_main_modality_is_missing_is_told_to_nobody(make_batch):
    batch, trm = make_batch(), model()
    absent = batch.valid.clone()
    absent[0, 2] = False
    missing = replace(batch, present={**batch.present, "text": absent})
    swapped = replace(missing, role=missing.role.clone())
    swapped.role[0, 2] = 1 - swapped.role[0, 2]
    assert torch.equal(trm(missing).logits, trm(swapped).logits)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"width": 15}, "not a multiple of heads"),
        ({"sequential": ["smell"]}, "sequential: no modality smell"),
        ({"reach": 3}, "reach"),
    ],
)
def test_a_wrong_setting_is_named(settings, field):
    with pytest.raises(UserError, match=field):
        model(**settings)
