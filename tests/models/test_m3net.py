import math
from dataclasses import replace

import pytest
import torch

from fedaffect.errors import UserError
from fedaffect.models import build
from fedaffect.models.encoders.graph import neighbours
from fedaffect.models.layers.packing import Packing
from fedaffect.models.m3net import FrequencyAdaptive, HypergraphConvolution

TRIO = {"audio": 3, "text": 4, "visual": 2}
VALID = torch.tensor([[True] * 4, [True, True, False, False]])


def model(modalities=TRIO, **settings):
    torch.manual_seed(0)
    chosen = {"width": 4, **settings}
    return build("m3net", chosen, modalities=modalities, roles=2, classes=4).eval()


def test_parameters():
    project = (3 + 1 + 4 + 1 + 2 + 1) * 4
    context = 2 * 2 * 3 * (2 * (4 + 2) + 2 * 2)  # layers, directions, gates of two biases
    role = (2 + 1) * 4
    hypergraph = 3 * ((4 + 1) * 4 + 3 + (3 + 1))
    frequency = 4 * 2 * 4
    classify = (3 * 2 * 4 + 1) * 4
    expected = project + context + role + hypergraph + frequency + classify
    assert expected == 465
    assert sum(p.numel() for p in model().parameters()) == expected


def test_a_conversation_has_n_plus_m_hyperedges_and_each_node_is_in_two():
    convolution, packing = HypergraphConvolution(1, 3), Packing(VALID)
    everything = torch.ones(6, 3, dtype=torch.bool)

    def hyperedges(nodes):
        # Each channel's, as one list: conversations' modalities, then utterances.
        found = convolution.hyperedges(nodes, everything, packing)
        return torch.cat([edge.flatten() for edge in found])

    assert len(hyperedges(torch.randn(6, 3, 1))) == (4 + 3) + (2 + 3)
    member = torch.func.jacrev(hyperedges)(torch.randn(6, 3, 1)).flatten(1) > 0
    assert member.sum(dim=1).tolist() == 3 * [4] + 3 * [2] + 6 * [3]
    assert (member.sum(dim=0) == 2).all()


def test_a_hypergraph_convolution_by_hand():
    """Two utterances; the second has no text. Audio says 1 and 5, text 4, doubled by the map."""
    convolution = HypergraphConvolution(1, 2)
    convolution.map.weight.data, convolution.map.bias.data = torch.tensor([[2.0]]), torch.zeros(1)
    convolution.node.data = torch.tensor([0.0, math.log(3)])
    convolution.hyperedge.data = torch.tensor([0.0, math.log(4), math.log(2)])
    nodes = torch.tensor([[1.0, 4.0], [5.0, 99.0]]).unsqueeze(-1)
    present = torch.tensor([[True, True], [True, False]])
    packing = Packing(torch.ones(1, 2, dtype=torch.bool))
    out = convolution(nodes, present, packing).squeeze(-1)
    audio, text = (2 + 10) / 2, 8
    first, second = (1 * 2 + 3 * 8) / (1 + 3), 10
    expected = [(audio + 2 * first) / 3, (4 * text + 2 * first) / 6, (audio + 2 * second) / 3]
    torch.testing.assert_close(out.flatten()[:3], torch.tensor(expected))


def test_the_incidence_matrix_says_the_same():
    torch.manual_seed(0)
    convolution, nodes, m, n = HypergraphConvolution(5, 3), torch.randn(4, 3, 5), 3, 4
    for parameter in convolution.parameters():
        torch.nn.init.normal_(parameter)
    # Node (utterance u, modality k) is row 3u + k; hyperedges are 3 modalities, then 4 utterances.
    incidence = torch.zeros(n * m, m + n)
    for u in range(n):
        for k in range(m):
            incidence[m * u + k, [k, m + u]] = convolution.node[k].exp().detach()
    weight = convolution.hyperedge.exp().detach()
    weight = torch.cat([weight[:m], weight[m:].expand(n)])
    x = convolution.map(nodes).flatten(0, 1)
    edges = (incidence.T @ x) / incidence.sum(dim=0).unsqueeze(1)
    expected = (incidence * weight) @ edges / (incidence @ weight).unsqueeze(1)
    packing = Packing(torch.ones(1, n, dtype=torch.bool))
    out = convolution(nodes, torch.ones(n, m, dtype=torch.bool), packing)
    torch.testing.assert_close(out.flatten(0, 1), expected.relu())


def test_messages_agree_or_contrast_by_hand():
    """Three nodes of one modality: two neighbours each, so that every edge is 1 / 2."""
    passing = FrequencyAdaptive(1)
    passing.gate.weight.data = torch.tensor([[1.0], [-1.0]])  # tanh(x_i - x_j)
    packing = Packing(torch.ones(1, 3, dtype=torch.bool))
    edges = neighbours(torch.ones(3, 1, dtype=torch.bool), packing, itself=False).normalised()
    out = passing(torch.tensor([3.0, 1.0, 0.0]).view(3, 1, 1), edges).flatten()
    tanh = math.tanh
    expected = [3 + tanh(2) * 1 / 2, 1 + tanh(-2) * 3 / 2, 0 + (tanh(-3) * 3 + tanh(-1) * 1) / 2]
    torch.testing.assert_close(out, torch.tensor(expected))


def test_a_node_without_neighbours_keeps_what_it_says():
    packing = Packing(torch.ones(1, 1, dtype=torch.bool))
    edges = neighbours(torch.ones(1, 1, dtype=torch.bool), packing, itself=False).normalised()
    node = torch.randn(1, 1, 4)
    assert torch.equal(FrequencyAdaptive(4)(node, edges), node)


def test_no_node_hears_itself_beside_its_neighbours(make_batch, spy):
    network, batch = model(), make_batch()
    passings = [spy(passing) for passing in network.frequency]
    network(batch)
    present = torch.ones(8, 3, dtype=torch.bool)
    expected = neighbours(present, Packing(batch.valid), itself=False).normalised()
    for (((_, edges), _),) in passings:
        assert torch.equal(edges.within, expected.within)
        assert torch.equal(edges.across, expected.across)


def test_only_the_main_modality_knows_who_speaks(make_batch):
    batch, network, entered = make_batch([5]), model(), []
    network.frequency[0].register_forward_pre_hook(lambda _, given: entered.append(given[0]))
    for role in (batch.role, 1 - batch.role):
        network(replace(batch, role=role))
    assert (entered[0] != entered[1]).any(dim=-1).any(dim=0).tolist() == [False, True, False]


def test_a_missing_modality_tells_the_others_nothing(make_batch):
    batch, network = make_batch(), model()
    present = {**batch.present, "visual": torch.zeros_like(batch.valid)}
    before = network(replace(batch, present=present)).logits
    torch.nn.init.normal_(network.project.map["visual"].bias)
    assert torch.equal(before, network(replace(batch, present=present)).logits)


@pytest.mark.parametrize("setting", [{"width": 5}, {"frequency_layers": 0}, {"dropout": 1}])
def test_unsound_settings_are_refused_by_name(setting):
    with pytest.raises(UserError, match=next(iter(setting))):
        model(**setting)
