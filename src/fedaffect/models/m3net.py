"""M3NET: a hypergraph for what many share, beside a graph that hears agreement and contrast.

Chen, Shao, Zhu, Shen: CVPR 2023. Here with any number of modalities; a missing one is a node of neither
graph. The release looks its learned weights up by position, in tables of fixed length, and a second list
of kinds in another order than the hyperedges; here each kind of hyperedge and of node has its weight. A
hypergraph convolution has Bai et al.'s linear map, a ReLU and weights of its own; there, one map comes
before both branches, a LeakyReLU after each convolution, and all share their weights. The gate has no
bias, as FAGCN's. The BatchNorm before the text, whose state is not learnt, is left out.
"""

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import Tensor, nn

from fedaffect.experiment import Section
from fedaffect.models.base import DialogueBatch, Prediction, equal_weights, joint_prediction
from fedaffect.models.encoders.graph import Edges, neighbours, pairs
from fedaffect.models.encoders.projection import Projection
from fedaffect.models.encoders.recurrent import Recurrent
from fedaffect.models.fusions.main_modality import main_modality
from fedaffect.models.fusions.weighted import softmax_over_present
from fedaffect.models.layers.dropout import Dropout
from fedaffect.models.layers.linear import Linear
from fedaffect.models.layers.packing import Packing


class M3NET(nn.Module):
    """Two branches over the same nodes, one a modality of an utterance; their ends are classified.

    The main modality has read the conversation before, and knows who speaks.

    Args:
        modalities: feature width by name, in sorted order.
        roles: number of roles; `roles` itself is the role of padding.
    """

    class Settings(Section):
        """The shape of the model; as released for IEMOCAP."""

        width: int = Field(512, ge=2, multiple_of=2)
        layers: int = Field(3, ge=1, description="of the hypergraph")
        frequency_layers: int = Field(4, ge=1, description="of the other branch")
        context_layers: int = Field(2, ge=1, description="of the BiGRU of the main modality")
        dropout: float = Field(0.5, ge=0, lt=1)
        main: str = Field(
            "text", description="the main modality, or how its name begins; else the first by name"
        )

    def __init__(
        self, settings: Settings, *, modalities: Mapping[str, int], roles: int, classes: int
    ) -> None:
        super().__init__()
        width = settings.width
        self.main = main_modality(modalities, settings.main)
        self.project = Projection(modalities, width)
        self.context = Recurrent(
            width, width, layers=settings.context_layers, dropout=settings.dropout
        )
        self.role = nn.Embedding(roles + 1, width, padding_idx=roles)
        self.hypergraph = nn.ModuleList(
            HypergraphConvolution(width, len(modalities)) for _ in range(settings.layers)
        )
        self.frequency = nn.ModuleList(
            FrequencyAdaptive(width) for _ in range(settings.frequency_layers)
        )
        self.dropout = Dropout(settings.dropout)
        self.classify = Linear(len(modalities) * 2 * width, classes)

    def forward(self, batch: DialogueBatch) -> Prediction:
        """Predict every utterance of a batch; see `DialogueBatch` and `Prediction` for shapes."""
        packing = Packing(batch.valid)
        stream, present = self.project(batch, packing)
        role = self.role(packing.pack(batch.role))
        stream[self.main] = self.context(stream[self.main], packing) + role
        shared = adapted = torch.stack(list(stream.values()), dim=1)  # T, M, width
        for convolution in self.hypergraph:
            shared = convolution(shared, present, packing)
        edges = neighbours(present, packing, itself=False).normalised()
        for passing in self.frequency:
            adapted = passing(adapted, edges)
        both = torch.cat([shared, adapted], dim=-1).masked_fill(~present.unsqueeze(-1), 0)
        embedding = both.relu().flatten(1)
        return joint_prediction(
            packing, self.classify(self.dropout(embedding)), embedding, equal_weights(batch)
        )


class HypergraphConvolution(nn.Module):
    """Nodes to hyperedges and back (Bai, Zhang, Torr: Pattern Recognition 110, 2021).

        X' = ReLU(D^-1 H W B^-1 Hᵀ X Θ)

    A hyperedge is what all utterances of a conversation say in one modality, or what one utterance says
    in all, so that every node is in two. H holds the weight of the node's modality, W that of the
    hyperedge's kind, each modality or the utterance; D and B make means of the sums. Weights are learned
    as logarithms, from 1.
    """

    def __init__(self, width: int, modalities: int) -> None:
        super().__init__()
        self.map = Linear(width, width)
        self.node = nn.Parameter(torch.zeros(modalities))
        self.hyperedge = nn.Parameter(torch.zeros(modalities + 1))

    def forward(self, nodes: Tensor, present: Tensor, packing: Packing) -> Tensor:
        """[T, M, d] → [T, M, d]; `present`, bool [T, M], says which nodes there are."""
        of_modality, of_utterance = self.hyperedges(self.map(nodes), present, packing)
        # Of a node's two hyperedges; its own weight is in both, and cancels.
        share = torch.sigmoid(self.hyperedge[:-1] - self.hyperedge[-1]).unsqueeze(-1)
        conversation = packing.rows // packing.shape[1]
        utterance = of_utterance.unsqueeze(1)
        return torch.relu(share * of_modality[conversation] + (1 - share) * utterance)

    def hyperedges(self, nodes: Tensor, present: Tensor, packing: Packing) -> tuple[Tensor, Tensor]:
        """Means of their nodes: of each conversation's modalities [B, M, d], of utterances [T, d]."""
        there = present.unsqueeze(-1)
        total = packing.unpack(nodes * there).sum(dim=1)
        of_modality = total / packing.unpack(there).sum(dim=1).clamp_min(1)
        weight = softmax_over_present(self.node.expand_as(present), present, dim=-1)
        return of_modality, (weight.unsqueeze(-1) * nodes).sum(dim=1)


class FrequencyAdaptive(nn.Module):
    """x_i + Σ_j tanh(g · [x_i; x_j]) x_j / √(d_i d_j) over neighbours j (after FAGCN, Bo et al., AAAI 2021).

    A positive gate smooths what neighbours have in common, the low frequencies of the graph; a negative
    one sharpens where they differ.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = Linear(width, 2, bias=False)

    def forward(self, nodes: Tensor, edges: Edges) -> Tensor:
        """[T, M, d] → [T, M, d]; `edges` hold 1 / √(d_i d_j)."""
        hearing, heard = self.gate(nodes).unbind(dim=-1)
        gates = pairs(lambda i, j: torch.tanh(i + j), hearing, heard, edges.packing)
        return nodes + (gates * edges).gather(nodes)
