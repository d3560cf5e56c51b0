"""Faces one by one: which are looked at, how, and with how many parameters."""

from dataclasses import replace

import pytest
import torch

from fedaffect.errors import UserError
from fedaffect.models import build
from fedaffect.models.base import DialogueBatch
from fedaffect.models.face_cnn import LEAST_CONTRAST, Residual

STILL = {"mirror": 0.0, "shift": 0.0, "rotation": 0.0, "zoom": 0.0, "erase": 0.0}


def model(side=12, **settings):
    torch.manual_seed(0)
    chosen = {"widths": [8, 16], "embedding_dim": 6, **settings}
    modalities = {"face": (side, side)}
    return build("face_cnn", chosen, modalities=modalities, roles=1, classes=4).eval()


def batch(items=5, side=12, seed=0):
    random = torch.Generator().manual_seed(seed)
    faces = torch.randint(0, 256, (items, 1, side, side), generator=random, dtype=torch.uint8)
    yes, zero = torch.ones(items, 1, dtype=torch.bool), torch.zeros(items, 1, dtype=torch.int64)
    return DialogueBatch({"face": faces}, {"face": yes}, zero, yes, zero, yes)


def test_parameters():
    norms = 2 * 8 + 4 * 8 + 4 * 16  # a scale and a shift a channel
    convolutions = 5 * 5 * 8 + 2 * 9 * 8 * 8 + 9 * 8 * 16 + 9 * 16 * 16 + 8 * 16
    linear = (3 * 3 * 16 + 1) * 6 + (6 + 1) * 4
    assert sum(p.numel() for p in model().parameters()) == norms + convolutions + linear == 5946
    once = sum(p.numel() for p in model(places=1).parameters())
    assert 5946 - once == 8 * 16 * 6  # a linear map of one place instead of nine


def test_a_block_more_a_stage_is_two_convolutions_more():
    more = sum(p.numel() for p in model(blocks=2).parameters())
    added = 2 * (9 * 8 * 8 + 2 * 8) + 2 * (9 * 16 * 16 + 2 * 16)
    assert more == 5946 + added


def test_the_default_multiplies_at_most_30_million_times_a_face():
    count = 0

    def add(layer, _, output):
        nonlocal count
        filters = next(layer.parameters())
        count += output[0].numel() * filters[0].numel()

    network = build("face_cnn", {}, modalities={"face": (48, 48)}, roles=1, classes=7).eval()
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            layer.register_forward_hook(add)
    network(batch(items=1, side=48))
    assert 20e6 < count < 30e6


@torch.no_grad()
def test_a_face_is_judged_as_if_it_were_alone():
    network, faces = model(), batch()
    together = network(faces)
    for row in range(5):
        alone = DialogueBatch(
            {"face": faces.features["face"][row : row + 1]},
            {"face": faces.valid[row : row + 1]},
            *(x[row : row + 1] for x in (faces.role, faces.valid, faces.label, faces.supervised)),
        )
        torch.testing.assert_close(network(alone).logits[0], together.logits[row])


@torch.no_grad()
def test_items_of_a_conversation_are_rows_of_a_batch():
    network, faces = model(), batch(items=6)
    folded = DialogueBatch(
        {"face": faces.features["face"].view(2, 3, 12, 12)},
        {"face": faces.valid.view(2, 3)},
        *(x.view(2, 3) for x in (faces.role, faces.valid, faces.label, faces.supervised)),
    )
    found = network(folded)
    torch.testing.assert_close(found.logits.view(6, 1, 4), network(faces).logits)
    torch.testing.assert_close(found.embedding.view(6, 1, 6), network(faces).embedding)


@torch.no_grad()
def test_a_missing_face_is_not_looked_at_and_says_nothing():
    network, faces = model(), batch()
    there = faces.valid.clone()
    there[2] = False
    found = network(replace(faces, present={"face": there}))
    for tensor in (found.logits, found.embedding, found.modality_weights):
        assert not tensor[2].any()
        assert tensor[[0, 1, 3, 4]].any(dim=-1).all()
    other = faces.features["face"].clone()
    other[2] = 7
    again = network(replace(faces, features={"face": other}, present={"face": there}))
    assert torch.equal(found.logits, again.logits)


def test_a_batch_without_a_face_teaches_the_features_nothing():
    network, faces = model().train(), batch()
    found = network(replace(faces, present={"face": torch.zeros_like(faces.valid)}))
    (found.logits.sum() + found.embedding.sum()).backward()
    assert not found.logits.any()
    assert all(p.grad is None or not p.grad.any() for p in network.parameters())


@torch.no_grad()
def test_places_of_a_face_are_told_apart():
    """Moved by a quarter of its side a face is another one; pooled to one place hardly."""
    faces = batch(side=48)
    moved = replace(faces, features={"face": faces.features["face"].roll(12, dims=3)})
    apart = {}
    for places in (1, 3):
        network = model(side=48, places=places)
        pooled = []
        network.hidden.register_forward_pre_hook(
            lambda _, given, seen=pooled: seen.append(given[0])
        )
        network(faces), network(moved)
        apart[places] = ((pooled[0] - pooled[1]).norm() / pooled[0].norm()).item()
    assert apart[3] > 2 * apart[1]


@torch.no_grad()
def test_light_and_its_contrast_make_no_difference():
    network, faces = model(), batch()
    dim = faces.features["face"] // 2 + 20
    brighter = replace(faces, features={"face": 2 * (dim - 20) + 1})
    torch.testing.assert_close(
        network(replace(faces, features={"face": dim})).logits, network(brighter).logits
    )


@torch.no_grad()
def test_the_noise_of_a_blank_stays_small():
    """Two grey levels apart at random: read as an eighth of a deviation, not as one."""
    network, faces = model(), batch()
    blank = replace(faces, features={"face": faces.features["face"] % 2 + 100})
    looked = []
    network.stem.register_forward_pre_hook(lambda _, given: looked.append(given[0]))
    network(blank)
    assert looked[0].abs().max() <= 1 / LEAST_CONTRAST
    network(faces)
    torch.testing.assert_close(looked[1].std(dim=(2, 3), correction=0), torch.ones(5, 1))


def test_every_parameter_learns():
    network = model(blocks=2).train()
    found = network(batch())
    (found.logits.square().sum() + found.embedding.square().sum()).backward()
    assert [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_it_is_changed_while_learning_alone():
    still, moving = model(dropout=0.0, **STILL), model(dropout=0.0)
    faces = batch()
    with torch.no_grad():
        torch.testing.assert_close(still.train()(faces).logits, still.eval()(faces).logits)
        apart = moving.train()(faces).logits - moving.eval()(faces).logits
        assert apart.abs().amax() > 1e-3
        torch.manual_seed(1)
        first = moving.train()(faces).logits
        torch.manual_seed(1)
        assert torch.equal(moving(faces).logits, first)  # torch's generator alone decides


def test_a_block_adds_to_what_it_read():
    block = Residual(8, 8, stride=1)
    assert sum(p.numel() for p in block.shortcut.parameters()) == 0
    torch.nn.init.zeros_(block.normalise_second.weight)
    x = torch.randn(2, 8, 5, 5)
    assert torch.equal(block(x), x.relu())
    halved = Residual(8, 16, stride=2)
    assert halved(x).shape == (2, 16, 3, 3)  # an odd side too


@pytest.mark.parametrize(
    "modalities",
    [{"heart": 3}, {"face": (4, 4), "heart": 3}, {"a": (4, 4), "b": (4, 4)}, {"face": (4, 4, 3)}],
)
def test_anything_but_one_grey_image_is_refused(modalities):
    with pytest.raises(UserError, match=r"one modality of grey images \(height, width\), not "):
        build("face_cnn", {}, modalities=modalities, roles=1, classes=4)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"widths": []}, "widths"),
        ({"widths": [8, 12]}, "widths: not multiples of 8"),
        ({"widths": [0]}, "widths: not multiples of 8"),
        ({"blocks": 0}, "blocks"),
        ({"dropout": 1.0}, "dropout"),
        ({"zoom": 1.0}, "zoom"),
        ({"flip": 1.0}, "flip"),
    ],
)
def test_a_wrong_setting_is_named(settings, field):
    with pytest.raises(UserError, match=field):
        model(**settings)


@torch.no_grad()
def test_both_sides_of_a_face_count_alike_once_learnt():
    one, both = model(), model(both_sides=True)
    faces = batch()
    mirrored = replace(faces, features={"face": faces.features["face"].flip(-1)})
    expected = (one(faces).embedding + one(mirrored).embedding) / 2
    torch.testing.assert_close(both(faces).embedding, expected)
    torch.testing.assert_close(both(mirrored).logits, both(faces).logits)
    for network in (one, both):
        network.settings = network.settings.model_copy(update=STILL)
        network.train()
    torch.manual_seed(1)
    expected = one(faces).logits
    torch.manual_seed(1)
    torch.testing.assert_close(both(faces).logits, expected)
