"""Early fusion: the plain baseline that reads all features of an utterance as one long vector.

No paper of its own; a bidirectional GRU over concatenated features is the usual point of comparison in
the field. A missing modality is zeros in that vector, as the mean of standardised features is.
"""

from collections.abc import Mapping

from pydantic import Field
from torch import nn

from fedaffect.experiment import Section
from fedaffect.models.base import DialogueBatch, Prediction, equal_weights, joint_prediction
from fedaffect.models.encoders.recurrent import Recurrent
from fedaffect.models.fusions.concatenation import concatenated
from fedaffect.models.layers.dropout import Dropout
from fedaffect.models.layers.linear import Linear
from fedaffect.models.layers.packing import Packing


class EarlyFusion(nn.Module):
    """Concatenate, add who speaks, read the conversation both ways, classify.

    Args:
        modalities: feature width by name, in sorted order.
        roles: number of roles; `roles` itself is the role of padding.
    """

    class Settings(Section):
        width: int = Field(128, ge=2, multiple_of=2, description="half for each direction")
        layers: int = Field(1, ge=1)
        dropout: float = Field(0.5, ge=0, lt=1)
        roles: bool = Field(True, description="whether who speaks is added to an utterance")

    def __init__(
        self, settings: Settings, *, modalities: Mapping[str, int], roles: int, classes: int
    ) -> None:
        super().__init__()
        width = settings.width
        self.modalities = tuple(modalities)
        self.project = Linear(sum(modalities.values()), width)
        self.role = nn.Embedding(roles + 1, width, padding_idx=roles) if settings.roles else None
        self.context = Recurrent(width, width, layers=settings.layers, dropout=settings.dropout)
        self.hidden = Linear(width, width)
        self.classify = Linear(width, classes)
        self.dropout = Dropout(settings.dropout)

    def forward(self, batch: DialogueBatch) -> Prediction:
        """Predict every utterance of a batch; see `DialogueBatch` and `Prediction` for shapes."""
        packing, weights = Packing(batch.valid), equal_weights(batch)
        stream = self.project(concatenated(batch, packing, self.modalities))
        if self.role is not None:
            stream = stream + self.role(packing.pack(batch.role))
        context = self.context(self.dropout(stream), packing)
        something = packing.pack(weights).any(dim=-1, keepdim=True)
        hidden = self.hidden(self.dropout(context)).relu() * something
        logits = self.classify(self.dropout(hidden))
        return joint_prediction(packing, logits, hidden, weights)
