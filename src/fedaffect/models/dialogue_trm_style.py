"""DialogueTRM-style: modalities that profit from context read the conversation, the others do not.

After Mao et al.: Findings of EMNLP 2021, arXiv 2010.07637, known here from its abstract and secondary
notes only, and without code. What they say is here: each modality is read by a sequential or by a
feed-forward structure, and modalities are fused vector by vector and neuron by neuron. Layer sizes, the
order of the two fusions and their exact form are ours, as are any number of modalities and missing
ones. The paper's encoder from words to utterances lies before the features.
"""

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import nn

from fedaffect.errors import UserError
from fedaffect.models.base import DialogueBatch, Prediction, joint_prediction
from fedaffect.models.fusions.main_modality import main_modality
from fedaffect.models.fusions.weighted import GatedFusion
from fedaffect.models.layers.attention import Encoder, HeadedSection
from fedaffect.models.layers.dropout import Dropout
from fedaffect.models.layers.linear import Linear
from fedaffect.models.layers.packing import Packing
from fedaffect.models.layers.position import Positions


class DialogueTRMStyle(nn.Module):
    """Sequential or feed-forward, modality by modality; then the vectors of an utterance fuse.

    Vector-grained: the M vectors of one utterance attend to each other. Neuron-grained: in every channel
    a softmax weighs the modalities. A missing modality is attended to by no other utterance and no other
    modality, and weighs 0.

    Args:
        modalities: feature width by name, in sorted order.
        roles: number of roles; `roles` itself is the role of padding.
    """

    class Settings(HeadedSection):
        width: int = Field(128, ge=1)
        heads: int = Field(8, ge=1)
        feedforward: int = Field(0, ge=0, description="0 = width")
        layers: int = Field(1, ge=1, description="of a sequential modality's transformer")
        dropout: float = Field(0.5, ge=0, lt=1)
        main: str = Field(
            "text", description="the main modality, or how its name begins; else the first by name"
        )
        sequential: tuple[str, ...] = Field(
            (), description="modalities that read the conversation; none named = the main one"
        )
        roles: bool = Field(True, description="whether who speaks is added where context is read")

    def __init__(
        self, settings: Settings, *, modalities: Mapping[str, int], roles: int, classes: int
    ) -> None:
        super().__init__()
        width, inner = settings.width, settings.feedforward or settings.width
        self.modalities = tuple(modalities)
        sequential = settings.sequential or (main_modality(modalities, settings.main),)
        if unknown := sorted(set(sequential) - set(modalities)):
            raise UserError(
                f"model: sequential: no modality {', '.join(unknown)}; "
                f"there are: {', '.join(modalities)}"
            )
        self.project = nn.ModuleDict({m: Linear(size, width) for m, size in modalities.items()})
        self.positions = Positions(width)
        self.role = nn.Embedding(roles + 1, width, padding_idx=roles) if settings.roles else None
        self.dropout = Dropout(settings.dropout)
        self.sequential = nn.ModuleDict(
            {
                m: Encoder(width, settings.heads, inner, settings.layers, settings.dropout)
                for m in modalities
                if m in sequential
            }
        )
        self.feedforward = nn.ModuleDict(
            {
                m: nn.Sequential(
                    Linear(width, inner), nn.GELU(), Dropout(settings.dropout), Linear(inner, width)
                )
                for m in modalities
                if m not in sequential
            }
        )
        self.vector_grained = Encoder(width, settings.heads, inner, 1, settings.dropout)
        self.neuron_grained = GatedFusion(width)
        self.classify = Linear(width, classes)

    def forward(self, batch: DialogueBatch) -> Prediction:
        """Predict every utterance of a batch; see `DialogueBatch` and `Prediction` for shapes."""
        packing = Packing(batch.valid)
        present = {m: batch.present[m] & batch.valid for m in self.modalities}
        place = self.positions(packing.turns, batch.valid.shape[1])
        if self.role is not None:
            place = place + self.role(packing.pack(batch.role))
        hidden = []
        for m in self.modalities:
            absent = ~packing.pack(present[m]).unsqueeze(-1)
            stream = self.project[m](packing.pack(batch.features[m]).masked_fill(absent, 0))
            if m in self.sequential:
                stream = self.dropout(stream + place)
                hidden.append(self.sequential[m](stream, None, present[m], packing))
            else:
                hidden.append(self.feedforward[m](self.dropout(stream)))
        vectors = torch.stack(hidden, dim=-2)  # T, M, d
        here = packing.pack(torch.stack(list(present.values()), dim=-1))
        # To the encoder, an utterance is a conversation among its modalities.
        inside = Packing(torch.ones_like(here))
        vectors = self.vector_grained(vectors.flatten(0, 1), None, here, inside).view_as(vectors)
        fused, weights = self.neuron_grained(vectors, here)
        return joint_prediction(
            packing, self.classify(self.dropout(fused)), fused, packing.unpack(weights)
        )
