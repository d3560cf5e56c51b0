from dataclasses import fields, replace

import pytest
import torch
from torch import nn

from fedaffect.errors import UserError
from fedaffect.models import build

TRIO = {"audio": 3, "text": 4, "visual": 2}
FOUR = {"audio": 3, "face": 5, "heart": 1, "text": 4}


def model(modalities=None, classes=4, **settings):
    torch.manual_seed(0)
    chosen = {"width": 16, "heads": 2, **settings}
    return build("sdt", chosen, modalities=modalities or TRIO, roles=2, classes=classes).eval()


def tensors(prediction):
    """Every tensor of a prediction, by name."""
    found = {}
    for field in fields(prediction):
        value = getattr(prediction, field.name)
        named = value if isinstance(value, dict) else {"": value}
        found |= {f"{field.name}/{name}": tensor for name, tensor in named.items()}
    return found


def assert_same(one, other, rows, other_rows):
    first, second = tensors(one), tensors(other)
    for name, tensor in first.items():
        torch.testing.assert_close(tensor[rows], second[name][other_rows], msg=name)


def counts(modalities, roles, classes, **settings):
    with torch.device("meta"):
        big = build(
            "sdt", {"width": 1024, **settings}, modalities=modalities, roles=roles, classes=classes
        )
    sizes = [(p.numel(), p.requires_grad) for p in big.parameters()]
    return sum(n for n, _ in sizes), sum(n for n, trained in sizes if trained)


def test_the_published_parameter_counts():
    iemocap = {"audio": 1582, "text": 1024, "visual": 342}
    meld = {"audio": 300, "text": 1024, "visual": 342}
    assert counts(iemocap, 2, 6, parity=True) == (79_687_704, 79_687_704)
    assert counts(iemocap, 2, 6) == (79_669_272, 79_669_272)
    frozen = {"unimodal_gate": "identity", "parity": True}
    assert counts(meld, 9, 7, **frozen) == (78_386_204, 68_949_020)
    assert counts(meld, 9, 7, unimodal_gate="identity") == (68_930_588, 68_930_588)


@pytest.mark.parametrize("fusion", ["gated", "attention_score"])
def test_every_parameter_learns_but_those_kept_for_parity(make_batch, fusion):
    def idle(**settings):
        trained = model(fusion=fusion, beta=0.5, embedding_dim=8, **settings).train()
        prediction = trained(make_batch())
        loss = sum(tensor.square().sum() for tensor in tensors(prediction).values())
        loss.backward()
        return {name for name, p in trained.named_parameters() if p.grad is None}

    assert idle() == set()
    names = idle(parity=True)
    assert len(names) == 2 * 9
    assert all(".layer.0.attention_norm." in name for name in names)


@pytest.mark.parametrize("modalities", [{"text": 4}, {"audio": 3, "text": 4}, TRIO, FOUR])
@pytest.mark.parametrize("fusion", ["gated", "attention_score"])
@pytest.mark.parametrize("length", [1, 7, 110])
def test_shapes(make_batch, modalities, fusion, length):
    batch = make_batch([length, 1], modalities)
    prediction = model(modalities, fusion=fusion, embedding_dim=5)(batch)
    m = len(modalities)
    assert prediction.logits.shape == (2, length, 4)
    assert prediction.embedding.shape == (2, length, 5)
    assert prediction.modality_weights.shape == (2, length, m)
    assert list(prediction.students) == list(prediction.embedding_by_modality)
    assert list(prediction.students) == list(modalities)
    assert all(x.shape == (2, length, 4) for x in prediction.students.values())
    assert all(x.shape == (2, length, 5) for x in prediction.embedding_by_modality.values())
    assert all(tensor.isfinite().all() for tensor in tensors(prediction).values())


def test_a_conversation_longer_than_the_position_table(make_batch):
    assert model()(make_batch([600])).logits.isfinite().all()


def test_names_are_paths():
    names = [name.replace(".", "/") for name in model(fusion="attention_score").state_dict()]
    assert "project/text/weight" in names
    assert "encoder/text->audio/layer/0/attention/query/weight" in names
    assert "fusion/raw_beta" in names
    assert not any("positions" in name for name in names)


@pytest.mark.parametrize("fusion", ["gated", "attention_score"])
def test_padding_changes_nothing(make_batch, fusion):
    sdt, short, long = model(fusion=fusion), make_batch(), make_batch(padding=4)
    assert_same(sdt(short), sdt(long), short.valid, long.valid)


def test_a_padded_feature_changes_nothing_even_where_it_is_not_a_number(make_batch):
    sdt, batch = model(), make_batch()
    wrong = {
        m: x.masked_fill(~batch.valid.unsqueeze(-1), float("nan"))
        for m, x in batch.features.items()
    }
    everywhere = dict.fromkeys(TRIO, torch.ones_like(batch.valid))
    prediction = sdt(replace(batch, features=wrong, present=everywhere))
    assert_same(sdt(batch), prediction, batch.valid, batch.valid)
    assert all(tensor.isfinite().all() for tensor in tensors(prediction).values())


def test_permuting_conversations_permutes_predictions(make_batch):
    sdt, batch = model(), make_batch([5, 3, 4])
    order = torch.tensor([2, 0, 1])
    permuted = replace(
        batch,
        features={m: x[order] for m, x in batch.features.items()},
        present={m: x[order] for m, x in batch.present.items()},
        role=batch.role[order],
        valid=batch.valid[order],
    )
    assert_same(sdt(batch), sdt(permuted), order, slice(None))


@pytest.mark.parametrize("source", TRIO)
def test_one_utterance_s_feature_changes_the_others_of_its_conversation_only(make_batch, source):
    sdt, batch = model(), make_batch()
    features = {m: x.clone() for m, x in batch.features.items()}
    features[source][0, 1] += 1
    before, after = sdt(batch), sdt(replace(batch, features=features))
    for m in TRIO:
        moved = (before.students[m] - after.students[m]).abs().amax(-1) > 1e-6
        assert moved[0].all()
        assert not moved[1].any()


def test_position_and_role_are_seen(make_batch):
    sdt, batch = model(), make_batch([5])
    other_role = replace(batch, role=1 - batch.role)
    assert not torch.allclose(sdt(batch).logits, sdt(other_role).logits)
    reversed_ = replace(
        batch,
        features={m: x.flip(1) for m, x in batch.features.items()},
        role=batch.role.flip(1),
    )
    assert not torch.allclose(sdt(batch).logits, sdt(reversed_).logits.flip(1), atol=1e-4)


@pytest.mark.parametrize("parity", [True, False])
def test_the_identity_gate_is_x_sigmoid_x_and_has_nothing_to_train(parity):
    sdt = model(unimodal_gate="identity", parity=parity)
    x = torch.randn(3, 16)
    for gate in sdt.unimodal_gate.values():
        assert torch.equal(torch.sigmoid(gate(x)) * x, x * torch.sigmoid(x))
        assert not any(p.requires_grad for p in gate.parameters())
        assert isinstance(gate, nn.Linear) == parity


def test_the_identity_gate_predicts_the_same_with_and_without_its_frozen_parameters(make_batch):
    plain = model(unimodal_gate="identity")
    kept = model(unimodal_gate="identity", parity=True)
    kept.load_state_dict(plain.state_dict(), strict=False)
    assert_same(plain(make_batch()), kept(make_batch()), slice(None), slice(None))


def without(batch, modality, where):
    """The batch with a modality absent `where` bool [B, N]."""
    present = dict(batch.present)
    present[modality] = present[modality] & ~where
    return replace(batch, present=present)


@pytest.mark.parametrize("fusion", ["gated", "attention_score"])
class TestMissingModalities:
    def test_an_absent_feature_changes_nothing(self, make_batch, fusion):
        sdt, batch = model(fusion=fusion), make_batch()
        where = torch.zeros_like(batch.valid)
        where[0, 1:3] = True
        missing = without(batch, "text", where)
        text = batch.features["text"].masked_fill(where.unsqueeze(-1), float("inf"))
        other = replace(missing, features={**batch.features, "text": text})
        for one, two in zip(
            tensors(sdt(missing)).values(), tensors(sdt(other)).values(), strict=True
        ):
            assert torch.equal(one, two)

    def test_weights_renormalise_over_what_is_there(self, make_batch, fusion):
        sdt, batch = model(fusion=fusion), make_batch()
        where = torch.zeros_like(batch.valid)
        where[0, 1] = True
        weights = sdt(without(batch, "text", where)).modality_weights
        assert weights[0, 1, 1] == 0
        assert (weights[0, 1, [0, 2]] > 0).all()
        torch.testing.assert_close(weights.sum(-1), batch.valid.float())

    def test_a_modality_missing_everywhere_is_as_good_as_none(self, make_batch, fusion):
        """What the others read of it is 0 and what is fused of it is 0, with finite gradients."""
        sdt, batch = model(fusion=fusion).train(), make_batch()
        missing = without(batch, "text", torch.ones_like(batch.valid))
        prediction = sdt(missing)
        assert not prediction.modality_weights[..., 1].any()
        (prediction.logits.square().sum() + prediction.embedding.sum()).backward()
        for name, parameter in sdt.named_parameters():
            if parameter.grad is not None:
                assert parameter.grad.isfinite().all(), name
        # It is neither read nor fused, so nothing of it can learn.
        assert not sdt.project["text"].weight.grad.any()
        assert not sdt.encoder["text->audio"].layer[0].attention.value.weight.grad.any()

    def test_an_utterance_without_any_modality(self, make_batch, fusion):
        sdt, batch = model(fusion=fusion, embedding_dim=8), make_batch()
        nothing = batch
        where = torch.zeros_like(batch.valid)
        where[0, 2] = True
        for m in TRIO:
            nothing = without(nothing, m, where)
        prediction = sdt(nothing)
        assert not prediction.embedding[0, 2].any()
        assert not prediction.modality_weights[0, 2].any()
        torch.testing.assert_close(prediction.logits[0, 2], sdt.classify.bias)
        assert all(tensor.isfinite().all() for tensor in tensors(prediction).values())


def test_the_order_of_modalities_decides_whom_rho_compares(make_batch):
    sorted_ = model(fusion="attention_score")
    seed = model(fusion="attention_score", modality_order=["text", "audio", "visual"])
    assert sorted_.fusion.order == (0, 1, 2)
    assert seed.fusion.order == (1, 0, 2)
    one, other = sorted_(make_batch()), seed(make_batch())
    assert not torch.allclose(one.modality_weights, other.modality_weights)


def test_every_stream_that_enters_an_encoder_has_its_own_dropout_draw(make_batch):
    sdt, entered = model().train(), []
    for encoder in sdt.encoder.values():
        encoder.register_forward_pre_hook(lambda _, streams: entered.extend(streams[:2]))
    sdt(make_batch())
    draws = [stream == 0 for stream in entered if stream is not None]
    assert len(draws) == 3 * 1 + 6 * 2
    assert all(
        not torch.equal(one, other) for i, one in enumerate(draws) for other in draws[i + 1 :]
    )


@pytest.mark.parametrize("encoders", ["intra", "inter"])
def test_encoders_that_are_off_are_not_there(make_batch, encoders):
    batch, off = make_batch(), model(encoders=encoders)
    pairs = {
        name.split(".")[1] for name, _ in off.named_parameters() if name.startswith("encoder.")
    }
    own = {f"{m}->{m}" for m in TRIO}
    every = {f"{a}->{b}" for a in TRIO for b in TRIO}
    assert pairs == (own if encoders == "intra" else every - own)
    changed = replace(batch, features={**batch.features, "text": batch.features["text"] + 1})
    before, after = off(batch), off(changed)
    reads_text = {"intra": {"text"}, "inter": {"audio", "visual", "text"}}[encoders]
    for m in TRIO:  # a query is a residual too: with `inter`, text still passes on what it is
        same = torch.allclose(before.students[m], after.students[m])
        assert same == (m not in reads_text)


def test_recurrent_context_reads_turns_in_order_and_by_role(make_batch):
    """Without roles, places and other modalities, only the recurrent networks know order and speaker."""
    settings = {"roles": False, "encoders": "intra"}
    batch = make_batch([6], {"text": 4})
    other = replace(batch, role=1 - batch.role)
    other.role[0, 2] = batch.role[0, 2]  # not the same two threads under other names
    for context, told in (("none", False), ("recurrent", True)):
        reads = model({"text": 4}, context=context, **settings)
        same = torch.allclose(reads(batch).logits, reads(other).logits)
        assert same is not told


def test_recurrent_context_halves_the_width():
    with pytest.raises(UserError, match="width 5 cannot be halved"):
        model(context="recurrent", width=5, heads=1)


def test_one_modality_alone_cannot_read_others():
    with pytest.raises(UserError, match="use `intra`"):
        model({"text": 4}, encoders="inter")


def test_without_roles_who_speaks_changes_nothing(make_batch):
    batch, off = make_batch(), model(roles=False)
    assert not any("role" in name for name, _ in off.named_parameters())
    swapped = replace(batch, role=torch.where(batch.valid, 1 - batch.role.clamp_max(1), batch.role))
    assert torch.equal(off(batch).logits[batch.valid], off(swapped).logits[batch.valid])


def test_students_alone_predict_their_mean_probability(make_batch):
    batch = make_batch()
    prediction = model(predict_with="students")(batch)
    present = torch.stack([batch.present[m] & batch.valid for m in TRIO], dim=-1).unsqueeze(-1)
    each = torch.stack([prediction.students[m].softmax(-1) for m in TRIO], dim=-2)
    mean = (each * present).sum(-2) / present.sum(-2).clamp_min(1)
    rows = batch.valid & present.any(-2).squeeze(-1)
    torch.testing.assert_close(prediction.logits.exp()[rows], mean[rows])
    assert prediction.logits.isfinite().all()
