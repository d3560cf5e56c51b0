"""Conversations as graphs: a node for each modality of each utterance, as in MMGCN (Hu et al. 2021).

Two nodes of a conversation are neighbours if they share their modality or their utterance. The matrix of a
graph is therefore kept in blocks: N × N for each modality, M × M for each utterance, and nothing for the
pairs that share neither. A modality that an utterance lacks is no node: all its edges are 0.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from fedaffect.models.layers.linear import Linear
from fedaffect.models.layers.packing import Packing

SMALLEST_DEGREE = 1e-6
STEEPEST_COSINE = 0.99999
"""At a cosine of 1 the slope of arccos is infinite; MMGCN shrinks every cosine by this."""


@dataclass(frozen=True)
class Edges:
    """A number for every edge, 0 where there is none.

    Attributes:
        within: float [B, M, N, N], between the utterances of a modality; 0 in the padding.
        across: float [T, M, M], between the modalities of an utterance; 0 on the diagonal, as a node
            and itself meet in `within`.
    """

    within: Tensor
    across: Tensor
    packing: Packing

    def __mul__(self, other: "Edges") -> "Edges":
        return Edges(self.within * other.within, self.across * other.across, self.packing)

    def gather(self, nodes: Tensor) -> Tensor:
        """For every node the sum over its neighbours, each times its edge: [T, M, d] → [T, M, d]."""
        within = self.within @ _by_modality(nodes, self.packing)
        return self.packing.pack(within.transpose(1, 2)) + self.across @ nodes

    def degree(self) -> Tensor:
        """The sum of every node's edges, float [T, M]."""
        within = self.packing.pack(self.within.sum(dim=-1).transpose(1, 2))
        return within + self.across.sum(dim=-1)

    def normalised(self) -> "Edges":
        """D^-1/2 A D^-1/2, with the degrees D of the edges A."""
        root = self.degree().clamp_min(SMALLEST_DEGREE).rsqrt()
        return self * pairs(torch.mul, root, root, self.packing)


def pairs(
    function: Callable[[Tensor, Tensor], Tensor], left: Tensor, right: Tensor, packing: Packing
) -> Edges:
    """function(left_i, right_j) for numbers [T, M] of the nodes, whether or not i and j are neighbours."""
    one, other = _by_modality(left, packing), _by_modality(right, packing)
    return Edges(
        function(one.unsqueeze(-1), other.unsqueeze(-2)),
        function(left.unsqueeze(-1), right.unsqueeze(-2)),
        packing,
    )


def neighbours(present: Tensor, packing: Packing, *, itself: bool) -> Edges:
    """1 for every pair of neighbours.

    Args:
        present: bool [T, M], which nodes there are.
        itself: whether each is its own neighbour.
    """
    there = present.float()
    both = pairs(torch.mul, there, there, packing)
    within = both.within if itself else both.within * _off_diagonal(both.within)
    return Edges(within, both.across * _off_diagonal(both.across), packing)


def similarities(nodes: Tensor, present: Tensor, packing: Packing) -> Edges:
    """1 - arccos(cos(x_i, x_j)) / π for neighbours, each node its own, as MMGCN weighs its edges.

    Args:
        nodes: float [T, M, d].
        present: bool [T, M].

    Returns:
        Numbers from 0, opposite, to 1, alike.
    """
    direction = functional.normalize(nodes, dim=-1)
    padded = _by_modality(direction, packing)
    similar = Edges(
        _nearness(padded @ padded.transpose(-1, -2)),
        _nearness(direction @ direction.transpose(-1, -2)),
        packing,
    )
    return similar * neighbours(present, packing, itself=True)


class GCNII(nn.Module):
    """One layer that can be stacked deep (Chen et al., ICML 2020; in MMGCN's variant).

        P = A H,  H' = ReLU(θ [P; H0] W + (1 - θ) ((1 - α) P + α H0)),  θ = ln(λ / l + 1)

    for layer l = 1, 2, ...: the first layer's input H0 never fades, and the deeper, the less W counts.

    Args:
        depth: l.
        initial_residual: α.
        identity_mapping: λ.
    """

    def __init__(
        self, width: int, depth: int, initial_residual: float, identity_mapping: float
    ) -> None:
        super().__init__()
        self.map = Linear(2 * width, width, bias=False)
        self.alpha = initial_residual
        self.theta = math.log(identity_mapping / depth + 1)

    def forward(self, nodes: Tensor, first: Tensor, edges: Edges) -> Tensor:
        """H' of H and H0, all [T, M, d]; `edges` are A, normalised."""
        gathered = edges.gather(nodes)
        mapped = self.map(torch.cat([gathered, first], dim=-1))
        kept = (1 - self.alpha) * gathered + self.alpha * first
        return torch.relu(self.theta * mapped + (1 - self.theta) * kept)


def _by_modality(nodes: Tensor, packing: Packing) -> Tensor:
    """[T, M, ...] → [B, M, N, ...], zeros in the padding."""
    return packing.unpack(nodes).transpose(1, 2)


def _nearness(cosine: Tensor) -> Tensor:
    return 1 - torch.arccos(STEEPEST_COSINE * cosine.float().clamp(-1, 1)) / math.pi


def _off_diagonal(square: Tensor) -> Tensor:
    return 1 - torch.eye(square.shape[-1], device=square.device)
