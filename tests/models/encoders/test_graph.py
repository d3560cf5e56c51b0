import math

import pytest
import torch

from fedaffect.models.encoders.graph import GCNII, Edges, neighbours, similarities
from fedaffect.models.layers.packing import Packing

VALID = torch.tensor([[True, True, True], [True, True, False]])
EVERYTHING = torch.ones(5, 3, dtype=torch.bool)


def alone(turns):
    """One conversation."""
    return Packing(torch.ones(1, turns, dtype=torch.bool))


def matrix(edges):
    """The whole matrix [TM, TM], asked of the edges column by column."""
    turns, modalities = edges.across.shape[:2]
    each = torch.eye(turns * modalities).unflatten(0, (turns, modalities))
    return edges.gather(each).flatten(0, 1)


def test_neighbours_share_their_conversation_and_their_modality_or_their_utterance():
    seen = matrix(neighbours(EVERYTHING, Packing(VALID), itself=False))
    node = [(row >= 3, row, m) for row in range(5) for m in range(3)]
    for i, (conversation, row, m) in enumerate(node):
        for j, (other_conversation, other_row, other_m) in enumerate(node):
            shares = (row == other_row) != (m == other_m)
            assert seen[i, j] == (shares and conversation == other_conversation)


@pytest.mark.parametrize("itself", [True, False])
def test_degrees_count_the_neighbours(itself):
    degree = neighbours(EVERYTHING, Packing(VALID), itself=itself).degree()
    within = torch.tensor([2, 2, 2, 1, 1]) + itself
    assert torch.equal(degree, (within + 2.0).unsqueeze(1).expand(5, 3))


def test_what_is_absent_is_nobody_s_neighbour():
    present = EVERYTHING.clone()
    present[1, 0] = False
    edges = neighbours(present, Packing(VALID), itself=True)
    assert edges.degree()[:3].tolist() == [[4, 5, 5], [0, 4, 4], [4, 5, 5]]
    assert not matrix(edges)[3].any()
    assert not matrix(edges)[:, 3].any()


def test_normalisation_by_hand():
    # Text of the second utterance is missing: audio, audio and text in a path, audio first in its middle.
    present = torch.tensor([[True, True], [True, False]])
    edges = neighbours(present, alone(2), itself=False).normalised()
    half = 1 / math.sqrt(2 * 1)
    expected = torch.tensor([[0, half, half, 0], [half, 0, 0, 0], [half, 0, 0, 0], [0, 0, 0, 0]])
    torch.testing.assert_close(matrix(edges), expected)


def test_similarity_is_the_angle_between_features():
    nodes = torch.tensor([[[2.0, 0.0]], [[0.0, 1.0]], [[-3.0, 0.0]]])
    edges = similarities(nodes, torch.ones(3, 1, dtype=torch.bool), alone(3))
    alike, opposite = 1 - math.acos(0.99999) / math.pi, 1 - math.acos(-0.99999) / math.pi
    expected = [[alike, 0.5, opposite], [0.5, alike, 0.5], [opposite, 0.5, alike]]
    torch.testing.assert_close(edges.within[0, 0], torch.tensor(expected))
    assert not edges.across.any()


@pytest.mark.parametrize("factor", [1.0, -1.0])
def test_features_that_are_alike_or_opposite_have_finite_gradients(factor):
    nodes = torch.full((1, 2, 3), 0.3)
    nodes[0, 1] *= factor
    nodes.requires_grad_()
    present = torch.ones(1, 2, dtype=torch.bool)
    edges = similarities(nodes, present, alone(1)).normalised()
    (edges.across.sum() + edges.within.sum()).backward()
    assert nodes.grad.isfinite().all()


def test_an_absent_node_leaves_gradients_finite():
    nodes = torch.randn(5, 3, 2, requires_grad=True)
    edges = similarities(nodes, torch.zeros_like(EVERYTHING), Packing(VALID)).normalised()
    edges.gather(nodes).sum().backward()
    assert not edges.within.any()
    assert not nodes.grad.any()


@pytest.mark.parametrize("depth", [1, 3])
def test_a_layer_of_gcnii_by_hand(depth):
    layer = GCNII(1, depth, initial_residual=0.1, identity_mapping=0.5)
    layer.map.weight.data = torch.tensor([[1.0, -1.0]])
    edges = Edges(torch.full((1, 1, 2, 2), 0.5), torch.zeros(2, 1, 1), alone(2))
    nodes = torch.tensor([1.0, 3.0]).view(2, 1, 1)
    first = torch.tensor([2.0, 0.0]).view(2, 1, 1)
    theta = math.log(0.5 / depth + 1)
    # P = 2 and 2, so [P; H0] W = 0 and 2, and 0.9 P + 0.1 H0 = 2 and 1.8.
    expected = [(1 - theta) * 2, theta * 2 + (1 - theta) * 1.8]
    torch.testing.assert_close(layer(nodes, first, edges).flatten(), torch.tensor(expected))
    layer.map.weight.data *= -100
    assert layer(nodes, first, edges).flatten()[1] == 0
