from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn

from fedaffect.errors import UserError
from fedaffect.models import build

TRIO = {"audio": 3, "text": 4, "visual": 2}
SMALL = {"width": 4, "graph_width": 3, "layers": 3}


def model(modalities=TRIO, **settings):
    torch.manual_seed(0)
    chosen = {**SMALL, **settings}
    return build("mm_dfn", chosen, modalities=modalities, roles=2, classes=4).eval()


def calls(module, run):
    """What a module was given and what it answered, call by call."""
    seen = []
    with module.register_forward_hook(lambda _, given, answer: seen.append((given, answer))):
        run()
    return seen


def entering(network, batch):
    """The nodes [T, M, width] that go into the graph."""
    return calls(network.enter, lambda: network(batch))[0][0][0]


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


def test_the_memory_steps_over_layers_from_nothing(make_batch):
    network, batch = model(), make_batch()
    steps = calls(network.memory, lambda: network(batch))
    assert len(steps) == 3
    assert steps[0][0][1] is None
    for (_, before), (given, after) in pairwise(steps):
        assert given[1] is before
        assert all(not torch.equal(x, y) for x, y in zip(before, after, strict=True))


def test_a_memory_that_lets_everything_pass_leaves_gcnii_with_residuals(make_batch):
    class Open(nn.Module):
        def forward(self, nodes, state):
            return nodes, nodes

    network, batch, seen = model(), make_batch(), []
    network.memory = Open()
    for layer in network.layer:
        layer.register_forward_hook(lambda _, given, answer: seen.append((given[0], answer)))
    embedding = network(batch).embedding[batch.valid].unflatten(-1, (3, 4 + 3))
    left = [given + answer for given, answer in seen]
    for before, (given, _) in zip(left, seen[1:], strict=False):
        torch.testing.assert_close(given, before)
    torch.testing.assert_close(embedding[..., 4:], left[-1])


def test_what_the_speaker_says_elsewhere_is_added_in_its_measure(make_batch):
    batch, weight = make_batch([5]), {"audio": 3, "text": 0.5, "visual": 0}
    with_, without = model(context_weight=weight), model(context_weight=dict.fromkeys(weight, 0))
    without.load_state_dict(with_.state_dict(), strict=False)
    answers = [answer for _, answer in calls(with_.speaker, lambda: with_(batch))]
    added = entering(with_, batch) - entering(without, batch)
    torch.testing.assert_close(added[:, 0], 3 * answers[0])
    torch.testing.assert_close(added[:, 1], 0.5 * answers[1])
    assert not added[:, 2].any()
    assert not any(name.startswith("speaker") for name, _ in without.named_parameters())


def test_an_utterance_is_heard_by_its_speaker_s_others_alone_before_the_graph(make_batch):
    batch, network = speaking(make_batch([5]), [0, 1, 0, 1, 1]), model()
    features = {**batch.features, "audio": batch.features["audio"].clone()}
    features["audio"][0, 3] += 1
    before, after = (entering(network, b) for b in (batch, replace(batch, features=features)))
    moved = (before != after).any(dim=-1)
    assert moved[:, 0].tolist() == [False, True, False, True, True]
    assert not moved[:, 1:].any()


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
