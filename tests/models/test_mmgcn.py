import math
from dataclasses import replace

import pytest
import torch

from fedaffect.errors import UserError
from fedaffect.models import build
from fedaffect.models.encoders.graph import similarities
from fedaffect.models.layers.packing import Packing

TRIO = {"audio": 3, "text": 4, "visual": 2}
SMALL = {"width": 4, "graph_width": 3, "layers": 2}


def model(modalities=TRIO, **settings):
    torch.manual_seed(0)
    chosen = {**SMALL, **settings}
    return build("mmgcn", chosen, modalities=modalities, roles=2, classes=4).eval()


def entering(network, batch):
    """The nodes [T, M, width] that go into the graph."""
    seen = []
    with network.enter.register_forward_pre_hook(lambda _, read: seen.append(read[0].detach())):
        network(batch)
    return seen[0]


def test_parameters():
    project = (3 + 1 + 4 + 1 + 2 + 1) * 4
    context = 2 * 2 * 4 * (2 * (4 + 2) + 2 * 2)  # layers, directions, gates of two biases
    role = (2 + 1) * 4
    graph = (4 + 1) * 3 + 2 * (2 * 3 * 3)
    classify = (3 * (4 + 3) + 1) * 4
    expected = project + context + role + graph + classify
    assert expected == 455
    assert sum(p.numel() for p in model().parameters()) == expected


def test_every_layer_hears_the_first_one_s_input_and_its_neighbours_by_likeness(make_batch, spy):
    network, batch = model(layers=3), make_batch((5, 3))
    entered, layers = spy(network.enter), [spy(layer) for layer in network.layer]
    network(batch)
    ((nodes,), first) = entered[0]
    present = torch.ones(8, 3, dtype=torch.bool)
    expected = similarities(nodes, present, Packing(batch.valid)).normalised()
    before = first = first.relu()
    for (((hidden, again, edges), after),) in layers:
        assert torch.equal(hidden, before)
        assert torch.equal(again, first)
        assert torch.equal(edges.within, expected.within)
        assert torch.equal(edges.across, expected.across)
        before = after


def test_the_deeper_a_layer_the_less_it_maps():
    layers = model(layers=3, initial_residual=0.2, identity_mapping=0.3).layer
    assert [layer.alpha for layer in layers] == [0.2] * 3
    assert [layer.theta for layer in layers] == [math.log(0.3 / depth + 1) for depth in (1, 2, 3)]


def test_dropout_falls_on_what_enters_on_what_each_layer_is_given_and_on_what_is_judged(
    make_batch, spy
):
    network = model().train()
    dropped = spy(network.dropout)
    readers = [spy(m) for m in (network.enter, *network.layer, network.classify)]
    prediction = network(make_batch([5]))
    read = [given[0] for ((given, _),) in readers]
    assert all(one is given for (_, one), given in zip(dropped, read, strict=False))
    assert torch.equal(dropped[-1][0][0], prediction.embedding[0])


def test_only_the_main_modality_knows_who_speaks_and_what_comes_next(make_batch):
    batch, network = make_batch([5]), model()
    before = entering(network, batch)
    swapped = entering(network, replace(batch, role=1 - batch.role))
    assert (before != swapped).any(dim=-1).any(dim=0).tolist() == [False, True, False]
    features = {m: x.clone() for m, x in batch.features.items()}
    for x in features.values():
        x[0, -1] += 1
    later = entering(network, replace(batch, features=features))
    assert (before != later).any(dim=-1)[0].tolist() == [False, True, False]


def test_the_main_modality_can_be_another(make_batch):
    batch, network = make_batch([5]), model(main="visual")
    swapped = entering(network, replace(batch, role=1 - batch.role))
    assert (entering(network, batch) != swapped).any(dim=-1).any(dim=0).tolist()[1:] == [
        False,
        True,
    ]


def test_the_classifier_reads_what_entered_beside_what_left(make_batch):
    batch, network, left = make_batch([5]), model(), []
    with network.layer[-1].register_forward_hook(lambda *call: left.append(call[-1])):
        embedding = network(batch).embedding[0]
    both = torch.cat([entering(network, batch), left[0]], dim=-1)
    torch.testing.assert_close(embedding, both.relu().flatten(1))


def test_a_missing_modality_tells_the_others_nothing(make_batch):
    batch, network = make_batch(), model()
    present = {**batch.present, "visual": torch.zeros_like(batch.valid)}
    before = network(replace(batch, present=present)).logits
    torch.nn.init.normal_(network.project.map["visual"].bias)
    assert torch.equal(before, network(replace(batch, present=present)).logits)


def test_sixty_four_layers_as_released(make_batch):
    prediction = model(layers=64)(make_batch())
    assert prediction.logits.isfinite().all()
    assert prediction.embedding.any()


@pytest.mark.parametrize("setting", [{"width": 5}, {"layers": 0}, {"identity_mapping": 0}])
def test_unsound_settings_are_refused_by_name(setting):
    with pytest.raises(UserError, match=next(iter(setting))):
        model(**setting)
