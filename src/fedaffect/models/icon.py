"""ICON: an interactive conversational memory network; one memory in which all speakers meet.

Hazarika, Poria, Mihalcea, Cambria, Zimmermann: EMNLP 2018. Here with any number of roles, `other` being
everyone else, and of modalities, which are concatenated, a missing one as zeros.
"""

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import nn

from fedaffect.experiment import Section
from fedaffect.models.base import DialogueBatch, Prediction, equal_weights, joint_prediction
from fedaffect.models.encoders.history import History, SkippingGRU
from fedaffect.models.fusions.concatenation import concatenated
from fedaffect.models.layers.dropout import Dropout
from fedaffect.models.layers.linear import Linear
from fedaffect.models.layers.packing import Packing


class ICON(nn.Module):
    """What the speaker said and what the others did, in one order, is the memory that a query reads.

    Before each further hop the memory reads itself. Nothing that comes after an utterance is seen.

    Args:
        modalities: feature width by name, in sorted order.
        roles: not used: a role is told from the others, whatever its number.
    """

    class Settings(Section):
        """The shape of the model; defaults as released."""

        width: int = Field(100, ge=1)
        history: int = Field(40, ge=1, description="how many utterances back are seen")
        hops: int = Field(3, ge=1, description="how often the memory is read")
        dropout: float = Field(0.7, ge=0, lt=1, description="of what is said and of attention")

    def __init__(
        self, settings: Settings, *, modalities: Mapping[str, int], roles: int, classes: int
    ) -> None:
        super().__init__()
        inputs, width = sum(modalities.values()), settings.width
        self.modalities = tuple(modalities)
        self.slots, self.hops = settings.history, settings.hops
        self.query = Linear(inputs, width)
        self.own, self.other = SkippingGRU(inputs, width), SkippingGRU(inputs, width)
        self.meet = nn.GRU(width, width, batch_first=True)
        if settings.hops > 1:
            self.review = nn.GRU(width, width, batch_first=True)
        self.classify = Linear(width, classes)
        self.dropout = Dropout(settings.dropout)

    def forward(self, batch: DialogueBatch) -> Prediction:
        """Predict every utterance of a batch; see `DialogueBatch` and `Prediction` for shapes."""
        packing, weights = Packing(batch.valid), equal_weights(batch)
        stream = concatenated(batch, packing, self.modalities)
        history = History(batch.role, packing, self.slots)
        own = self.own(stream, history.rows, history.own)
        other = self.other(stream, history.rows, ~history.own)
        memory = torch.tanh(self.dropout(own + other))
        query = torch.tanh(self.query(stream))
        for hop in range(self.hops):
            memory, _ = self.review(memory) if hop else self.meet(memory)
            query = torch.tanh(query + history.read(query, memory, self.dropout))
        hidden = query * packing.pack(weights).any(dim=-1, keepdim=True)
        return joint_prediction(packing, self.classify(hidden), hidden, weights)
