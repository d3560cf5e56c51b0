import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from fedaffect.errors import UserError
from fedaffect.models import build
from fedaffect.models.encoders.graph import similarities
from fedaffect.models.layers.packing import Packing

TRIO = {"audio": 3, "text": 4, "visual": 2}
SMALL = {"width": 4, "graph_width": 3, "layers": 3}


def model(modalities=TRIO, **settings):
    torch.manual_seed(0)
    chosen = {**SMALL, **settings}
    return build("mm_dfn", chosen, modalities=modalities, roles=2, classes=4).eval()


def entering(network, batch):
    """The nodes [T, M, width] that go into the graph."""
    seen = []
    with network.enter.register_forward_pre_hook(lambda _, read: seen.append(read[0].detach())):
        network(batch)
    return seen[0]


def speaking(batch, roles):
    return replace(batch, role=torch.tensor([roles]))


def test_parameters():
    project = (3 + 1 + 4 + 1 + 2 + 1) * 4
    reader = 2 * 2 * 3 * (2 * (4 + 2) + 2 * 2)  # layers, directions, gates of two biases
    memory = 4 * (3 * (3 + 3) + 2 * 3)
    graph = (4 + 1) * 3 + 3 * (2 * 3 * 3)
    classify = (3 * (4 + 3) + 1) * 4
    expected = project + 2 * reader + memory + graph + classify
    assert expected == 685
    assert sum(p.numel() for p in model().parameters()) == expected


def test_the_memory_steps_over_layers_from_nothing(make_batch, spy):
    network = model()
    steps = spy(network.memory)
    network(make_batch())
    assert len(steps) == 3
    assert steps[0][0][1] is None
    for (_, before), (given, after) in pairwise(steps):
        assert given[1] is before
        assert all(not torch.equal(x, y) for x, y in zip(before, after, strict=True))


def test_each_layer_is_given_what_passes_the_memory_and_adds_to_what_was(make_batch, spy):
    network, batch = model(), make_batch()
    entered, steps = spy(network.enter), spy(network.memory)
    layers = [spy(layer) for layer in network.layer]
    embedding = network(batch).embedding[batch.valid].unflatten(-1, (3, 4 + 3))
    ((nodes,), first) = entered[0]
    present = torch.ones(8, 3, dtype=torch.bool)
    expected = similarities(nodes, present, Packing(batch.valid)).normalised()
    hidden = first = first.relu()
    for ((told, _), (passed, _)), (((given, again, edges), answer),) in zip(
        steps, layers, strict=True
    ):
        assert torch.equal(told, hidden.flatten(0, 1))
        assert torch.equal(given.flatten(0, 1), passed)
        assert torch.equal(again, first)
        assert torch.equal(edges.within, expected.within)
        assert torch.equal(edges.across, expected.across)
        hidden = answer + hidden
    assert torch.equal(embedding[..., 4:], hidden)


def test_the_deeper_a_layer_the_less_it_maps():
    layers = model(initial_residual=0.1, identity_mapping=0.3).layer
    assert [layer.alpha for layer in layers] == [0.1] * 3
    assert [layer.theta for layer in layers] == [math.log(0.3 / depth + 1) for depth in (1, 2, 3)]


def test_dropout_falls_on_what_enters_on_what_each_layer_adds_and_on_what_is_judged(
    make_batch, spy
):
    network = model().train()
    dropped, entered, steps, judged = (
        spy(m) for m in (network.dropout, network.enter, network.memory, network.classify)
    )
    answers = [spy(layer) for layer in network.layer]
    network(make_batch())
    (_, enters), *added, (_, judges) = dropped
    assert entered[0][0][0] is enters
    assert judged[0][0][0] is judges
    told = [given[0] for given, _ in steps]
    for ((_, answer),), (given, _) in zip(answers, added, strict=True):
        assert given[0] is answer
    for before, (_, left), after in zip(told, added, told[1:], strict=False):
        assert torch.equal(after, before + left.flatten(0, 1))


def test_what_the_speaker_says_elsewhere_is_added_in_its_measure(make_batch, spy):
    batch, weight = make_batch([5]), {"audio": 3, "text": 0.5, "visual": 0}
    with_, without = model(context_weight=weight), model(context_weight=dict.fromkeys(weight, 0))
    without.load_state_dict(with_.state_dict(), strict=False)
    read = spy(with_.speaker)
    added = entering(with_, batch) - entering(without, batch)
    for m, (_, said) in enumerate(read):
        torch.testing.assert_close(added[:, m], (3, 0.5)[m] * said)
    assert not added[:, 2].any()
    assert not any(name.startswith("speaker") for name, _ in without.named_parameters())


@pytest.mark.parametrize("modality", ["audio", "text"])
def test_a_speaker_s_reader_hears_that_speaker_alone(make_batch, spy, modality):
    batch, network = speaking(make_batch([5]), [0, 1, 0, 1, 1]), model()
    changed = {m: x.clone() for m, x in batch.features.items()}
    changed[modality][0, 3] += 1
    read = spy(network.speaker)
    network(batch)
    network(replace(batch, features=changed))
    before, after = (said for _, said in read[["audio", "text"].index(modality) :: 2])
    assert (before != after).any(dim=-1).tolist() == [False, True, False, True, True]


def test_roles_have_no_names(make_batch):
    network, batch = model(), make_batch([5])
    one, swapped, other = (
        network(speaking(batch, roles)).logits
        for roles in ([0, 1, 0, 1, 1], [1, 0, 1, 0, 0], [0, 1, 0, 1, 0])
    )
    assert torch.equal(one, swapped)
    assert not torch.allclose(one, other)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"text_large": 1, "text_small": 1}),
        ({"text": 2}, {"text_large": 2, "text_small": 2}),
        ({"text_small": 0.5, "text": 2}, {"text_large": 2, "text_small": 0.5}),
        ({"text_small": 0}, {"text_large": 1}),
    ],
)
def test_the_longest_name_that_a_modality_begins_with_gives_its_weight(given, expected):
    network = model({"text_large": 2, "text_small": 2}, context_weight=given)
    assert network.speaker_weight == expected


@pytest.mark.parametrize(
    "setting", [{"width": 5}, {"initial_residual": 1}, {"context_weight": {"audio": -1}}]
)
def test_unsound_settings_are_refused_by_name(setting):
    with pytest.raises(UserError, match=next(iter(setting))):
        model(**setting)
