"""MM-DFN: MMGCN, its layers joined by a memory that decides what each of them is to add.

Hu, Hou, Wei, Jiang, Mo: ICASSP 2022, arXiv 2203.02385. Here with any number of modalities, of which a
missing one is no node, and of roles. Speaker embeddings, off in the release, are left out.
"""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from fedaffect.experiment import Section
from fedaffect.models.base import DialogueBatch, Prediction, equal_weights, joint_prediction
from fedaffect.models.encoders.graph import GCNII, similarities
from fedaffect.models.encoders.projection import Projection
from fedaffect.models.encoders.recurrent import Recurrent
from fedaffect.models.fusions.main_modality import main_modality
from fedaffect.models.layers.by_role import ByRole
from fedaffect.models.layers.dropout import Dropout
from fedaffect.models.layers.linear import Linear
from fedaffect.models.layers.packing import Packing


class MMDFN(nn.Module):
    """Graph-based dynamic fusion: between two layers, an LSTM that steps over layers filters each node.

    Into the graph go each modality's features, the main one's after a BiGRU over the conversation.
    Another BiGRU, one for all modalities, reads each speaker's utterances alone and is added to them.

    Args:
        modalities: feature width by name, in sorted order.
        roles: not used: a role's utterances are gathered, whatever its number.
    """

    class Settings(Section):
        width: int = Field(200, ge=2, multiple_of=2, description="of what goes into the graph")
        graph_width: int = Field(100, ge=1, description="of what comes out of it")
        layers: int = Field(16, ge=1, description="of the graph")
        context_layers: int = Field(2, ge=1, description="of each BiGRU")
        context_weight: dict[str, Annotated[float, Field(ge=0)]] = Field(
            {"audio": 3.0, "visual": 0.0, "video": 0.0},
            description="by a modality's name, or how it begins, how much what is read of a "
            "speaker's utterances alone counts beside the features; 1 where none is given",
        )
        initial_residual: float = Field(
            0.2, ge=0, lt=1, description="GCNII's α: the share of the first layer's input in each"
        )
        identity_mapping: float = Field(
            0.5, gt=0, le=1, description="GCNII's λ: layer l maps with weight ln(λ / l + 1)"
        )
        dropout: float = Field(0.4, ge=0, lt=1)
        main: str = Field(
            "text", description="the main modality, or how its name begins; else the first by name"
        )

    def __init__(
        self, settings: Settings, *, modalities: Mapping[str, int], roles: int, classes: int
    ) -> None:
        super().__init__()
        width, graph_width = settings.width, settings.graph_width
        self.main = main_modality(modalities, settings.main)
        weights = {m: _weight(m, settings.context_weight) for m in modalities}
        self.speaker_weight = {m: weight for m, weight in weights.items() if weight}
        self.project = Projection(modalities, width)
        self.context = _reader(settings)
        if self.speaker_weight:
            self.speaker = _reader(settings)
        self.enter = Linear(width, graph_width)
        self.memory = nn.LSTMCell(graph_width, graph_width)
        self.layer = nn.ModuleList(
            GCNII(graph_width, depth, settings.initial_residual, settings.identity_mapping)
            for depth in range(1, settings.layers + 1)
        )
        self.dropout = Dropout(settings.dropout)
        self.classify = Linear(len(modalities) * (width + graph_width), classes)

    def forward(self, batch: DialogueBatch) -> Prediction:
        """Predict every utterance of a batch; see `DialogueBatch` and `Prediction` for shapes."""
        packing = Packing(batch.valid)
        threads = ByRole(batch.role, packing)
        stream, present = self.project(batch, packing)
        said = {m: w * self.speaker(stream[m], threads) for m, w in self.speaker_weight.items()}
        stream[self.main] = self.context(stream[self.main], packing)
        nodes = torch.stack([stream[m] + said.get(m, 0) for m in stream], dim=1)  # T, M, width
        edges = similarities(nodes, present, packing).normalised()
        hidden = first = self.enter(self.dropout(nodes)).relu()
        state = None
        for layer in self.layer:
            state = self.memory(hidden.flatten(0, 1), state)
            filtered = state[0].view_as(hidden)
            hidden = self.dropout(layer(filtered, first, edges)) + hidden
        both = torch.cat([nodes, hidden], dim=-1).masked_fill(~present.unsqueeze(-1), 0)
        embedding = both.relu().flatten(1)
        return joint_prediction(
            packing, self.classify(self.dropout(embedding)), embedding, equal_weights(batch)
        )


def _reader(settings: MMDFN.Settings) -> Recurrent:
    """A BiGRU from the width to the width."""
    return Recurrent(
        settings.width, settings.width, layers=settings.context_layers, dropout=settings.dropout
    )


def _weight(modality: str, weights: Mapping[str, float]) -> float:
    """Of the longest name that the modality's begins with."""
    begun = [name for name in weights if modality.startswith(name)]
    return weights[max(begun, key=len)] if begun else 1.0
