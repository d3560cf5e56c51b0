"""MMGCN: a deep graph convolution over the utterances of a conversation in every modality.

Hu, Liu, Zhao, Jin: ACL 2021. Here with any number of modalities, of which a missing one is no node. The
release fixes 64 layers and ignores its option, which says 4; here the option decides. Its BiLSTM reads
the padding too; here it does not.
"""

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import nn

from fedaffect.experiment import Section
from fedaffect.models.base import DialogueBatch, Prediction, equal_weights, joint_prediction
from fedaffect.models.encoders.graph import GCNII, similarities
from fedaffect.models.encoders.projection import Projection
from fedaffect.models.encoders.recurrent import Recurrent
from fedaffect.models.fusions.main_modality import main_modality
from fedaffect.models.layers.dropout import Dropout
from fedaffect.models.layers.linear import Linear
from fedaffect.models.layers.packing import Packing


class MMGCN(nn.Module):
    """Each modality of an utterance hears itself in all other utterances, and the other modalities here.

    Neighbours count by how similar their features point. The main modality has read the conversation
    before, and knows who speaks. What went into the graph is classified beside what comes out.

    Args:
        modalities: feature width by name, in sorted order.
        roles: number of roles; `roles` itself is the role of padding.
    """

    class Settings(Section):
        width: int = Field(200, ge=2, multiple_of=2, description="of what goes into the graph")
        graph_width: int = Field(100, ge=1, description="of what comes out of it")
        layers: int = Field(4, ge=1, description="of the graph")
        context_layers: int = Field(2, ge=1, description="of the BiLSTM of the main modality")
        initial_residual: float = Field(
            0.1, ge=0, lt=1, description="GCNII's α: the share of the first layer's input in each"
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
        self.project = Projection(modalities, width)
        self.context = Recurrent(
            width, width, cell="lstm", layers=settings.context_layers, dropout=settings.dropout
        )
        self.role = nn.Embedding(roles + 1, width, padding_idx=roles)
        self.enter = Linear(width, graph_width)
        self.layer = nn.ModuleList(
            GCNII(graph_width, depth, settings.initial_residual, settings.identity_mapping)
            for depth in range(1, settings.layers + 1)
        )
        self.dropout = Dropout(settings.dropout)
        self.classify = Linear(len(modalities) * (width + graph_width), classes)

    def forward(self, batch: DialogueBatch) -> Prediction:
        """Predict every utterance of a batch; see `DialogueBatch` and `Prediction` for shapes."""
        packing = Packing(batch.valid)
        stream, present = self.project(batch, packing)
        role = self.role(packing.pack(batch.role))
        stream[self.main] = self.context(stream[self.main], packing) + role
        nodes = torch.stack(list(stream.values()), dim=1)  # T, M, width
        edges = similarities(nodes, present, packing).normalised()
        hidden = first = self.enter(self.dropout(nodes)).relu()
        for layer in self.layer:
            hidden = layer(self.dropout(hidden), first, edges)
        both = torch.cat([nodes, hidden], dim=-1).masked_fill(~present.unsqueeze(-1), 0)
        embedding = both.relu().flatten(1)
        return joint_prediction(
            packing, self.classify(self.dropout(embedding)), embedding, equal_weights(batch)
        )
