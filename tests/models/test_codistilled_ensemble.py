"""The ensemble by hand: a product of experts whose members learn each for itself, unless told to listen."""

from dataclasses import replace

import pytest
import torch

from fedaffect.errors import UserError
from fedaffect.experiment import Training
from fedaffect.learning.torch.objectives import sdt_objective
from fedaffect.models import build

TRIO = {"audio": 3, "text": 4, "visual": 2}
PAIR = [{"name": "early_fusion", "width": 4}, {"name": "late_fusion", "width": 6}]


def ensemble(members):
    torch.manual_seed(0)
    return build("codistilled_ensemble", {"members": members}, modalities=TRIO, roles=2, classes=4)


def size(model):
    return sum(p.numel() for p in model.parameters())


def test_it_is_its_members_and_nothing_else():
    alone = [
        build(m["name"], {"width": m["width"]}, modalities=TRIO, roles=2, classes=4) for m in PAIR
    ]
    assert size(ensemble(PAIR)) == sum(size(model) for model in alone)


def test_the_answer_is_the_geometric_mean(make_batch):
    batch, model = make_batch(), ensemble(PAIR).eval()
    one, other = (member(batch) for member in model.member.values())
    product = (one.logits.softmax(-1) * other.logits.softmax(-1)).sqrt()
    expected = product / product.sum(-1, keepdim=True)
    prediction = model(batch)
    torch.testing.assert_close(
        prediction.logits.softmax(-1)[batch.valid], expected[batch.valid], rtol=1e-4, atol=1e-6
    )
    assert prediction.embedding.shape[-1] == one.embedding.shape[-1] + other.embedding.shape[-1]


def test_two_of_a_kind_are_two_models(make_batch):
    batch, model = make_batch(), ensemble([PAIR[0], PAIR[0]]).eval()
    assert list(model(batch).students) == ["1 early_fusion", "2 early_fusion"]
    one, other = (member(batch).logits for member in model.member.values())
    assert not torch.allclose(one, other)


def test_a_member_sees_what_it_reads(make_batch):
    """Modalities by how their names begin; what only one member reads moves no other."""
    batch, model = make_batch(), ensemble([PAIR[0], {**PAIR[0], "reads": ["aud", "text"]}]).eval()
    louder = {**batch.features, "visual": batch.features["visual"] + 1}
    before, after = model(batch), model(replace(batch, features=louder))
    moved = {n: not torch.equal(before.students[n], after.students[n]) for n in before.students}
    assert moved == {"1 early_fusion": True, "2 early_fusion": False}
    expected = torch.tensor([1 / 3 + 1 / 2, 1 / 3 + 1 / 2, 1 / 3]) / 2
    torch.testing.assert_close(before.modality_weights[0, 0], expected)


def test_without_what_it_reads_a_member_reads_all():
    model = ensemble([PAIR[0], {**PAIR[0], "reads": ["face"]}])
    assert model.reads["2 early_fusion"] == list(TRIO)


@pytest.mark.parametrize("distillation", [0.0, 1.0])
def test_members_learn_from_each_other_only_by_distillation(make_batch, distillation):
    """What the second member says moves the first only where both learn from their common answer."""
    batch, model = make_batch(), ensemble(PAIR)
    training = Training(
        task_weight=0, student_weight=1, distillation_weight=distillation, detach_teacher=True
    )

    def gradient(scale):
        with torch.no_grad():
            for p in model.member["2 late_fusion"].parameters():
                p.mul_(scale)
        model.zero_grad()
        torch.manual_seed(1)
        sdt_objective(model(batch), batch, training)[0].backward()
        return torch.cat([p.grad.flatten() for p in model.member["1 early_fusion"].parameters()])

    same = torch.allclose(gradient(1.0), gradient(2.0), atol=1e-7)
    assert same == (not distillation)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([{"name": "codistilled_ensemble"}, PAIR[0]], "`codistilled_ensemble` can be no member"),
        ([{"name": "json:dumps"}, PAIR[0]], "`json:dumps` can be no member"),
        ([{"name": "sdtt"}, PAIR[0]], "no model `sdtt`"),
        ([{"name": "sdt", "widht": 3}, PAIR[0]], "widht"),
        ([PAIR[0]], "at least 2"),
    ],
)
def test_an_unsound_council_is_refused(members, reason):
    with pytest.raises(UserError, match=reason):
        ensemble(members)
