"""What every model of vectors keeps: it reads what is there, all of it, and nothing else."""

from dataclasses import replace

import pytest
import torch

from fedaffect import registry
from fedaffect.models import build, reads_images

NETWORKS = [name for name in registry.names("model") if name not in ("forest", "head")]

TRIO = {"audio": 3, "text": 4, "visual": 2}


@pytest.fixture(params=[name for name in NETWORKS if not reads_images(name)])
def make(request):
    def make(modalities=None, roles=2):
        torch.manual_seed(0)
        return build(request.param, {}, modalities=modalities or TRIO, roles=roles, classes=4)

    return make


def rows_of(prediction, batch):
    return prediction.logits[batch.valid], prediction.embedding[batch.valid]


@pytest.mark.parametrize("modalities", [{"heart": 1}, {"audio": 3, "text": 4}, TRIO | {"face": 5}])
@pytest.mark.parametrize("roles", [1, 9])
def test_any_modalities_roles_and_lengths(make, make_batch, modalities, roles):
    modalities = dict(sorted(modalities.items()))
    batch = make_batch([40, 7, 1], modalities, roles=roles)
    prediction = make(modalities, roles).eval()(batch)
    assert prediction.logits.shape == (3, 40, 4)
    assert prediction.embedding.shape[:2] == (3, 40)
    assert prediction.modality_weights.shape == (3, 40, len(modalities))
    total = prediction.modality_weights[batch.valid].sum(-1)
    torch.testing.assert_close(total, torch.ones_like(total))
    for tensor in (prediction.logits, prediction.embedding, *prediction.students.values()):
        assert tensor.isfinite().all()


@torch.no_grad()
def test_padding_changes_nothing(make, make_batch):
    model, short, long = make().eval(), make_batch(), make_batch(padding=6)
    for one, other in zip(rows_of(model(short), short), rows_of(model(long), long), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_conversation_is_judged_as_if_it_were_alone(make, make_batch):
    model, batch = make().eval(), make_batch((5, 3))
    alone = type(batch)(
        {m: x[1:, :3] for m, x in batch.features.items()},
        {m: x[1:, :3] for m, x in batch.present.items()},
        *(x[1:, :3] for x in (batch.role, batch.valid, batch.label, batch.supervised)),
    )
    torch.testing.assert_close(
        model(batch).logits[1, :3], model(alone).logits[0], rtol=1e-4, atol=1e-5
    )


@torch.no_grad()
@pytest.mark.parametrize("modality", list(TRIO))
def test_what_is_absent_is_not_read(make, make_batch, modality):
    model, batch = make().eval(), make_batch()
    absent = batch.valid.clone()
    absent[0, 1:3] = False
    batch = replace(batch, present={**batch.present, modality: absent})
    invented = batch.features[modality].clone()
    invented[0, 1:3] = torch.nan
    other = replace(batch, features={**batch.features, modality: invented})
    for one, same in zip(rows_of(model(batch), batch), rows_of(model(other), other), strict=True):
        torch.testing.assert_close(one, same)
    assert (model(batch).modality_weights[0, 1:3, list(TRIO).index(modality)] == 0).all()


def test_an_utterance_without_a_modality_has_no_embedding_and_no_weights(make, make_batch):
    model, batch = make().train(), make_batch()
    there = batch.valid.clone()
    there[0, 2] = False
    prediction = model(replace(batch, present=dict.fromkeys(TRIO, there)))
    for tensor in (prediction.embedding, prediction.modality_weights):
        assert torch.equal(tensor.any(dim=-1)[batch.valid], there[batch.valid])
    prediction.logits.square().sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_every_parameter_learns(make, make_batch):
    model, batch = make().train(), make_batch((6, 4))
    prediction = model(batch)
    parts = (prediction.logits, prediction.embedding, *prediction.students.values(),
             *prediction.embedding_by_modality.values())  # fmt: skip
    sum(part[batch.valid].square().sum() for part in parts).backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


def test_nothing_is_created_elsewhere(make, make_batch):
    """A tensor made without a device would land on `meta` here, and stop the first product with it."""
    model, batch = make().train(), make_batch()
    with torch.device("meta"):
        prediction = model(batch)
    for tensor in (prediction.logits, prediction.embedding, prediction.modality_weights):
        assert tensor.isfinite().all()
