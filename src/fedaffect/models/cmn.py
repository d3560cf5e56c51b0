"""CMN: a conversational memory network, in which an utterance looks up what was said before it.

Hazarika, Poria, Zadeh, Cambria, Morency, Zimmermann: NAACL 2018. Here with any number of roles, `other`
being everyone else, and of modalities, which are concatenated, a missing one as zeros. As in the release,
a party's memory is the same at every hop; unlike there, at the first hop too it is 0 where others spoke.
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


class CMN(nn.Module):
    """Two memories of the recent past: of what the speaker said, and of what the others did.

    The query, an utterance's own features, reads both, takes up what it found and reads again. Nothing
    that comes after an utterance is seen.

    Args:
        modalities: feature width by name, in sorted order.
        roles: not used: a role is told from the others, whatever its number.
    """

    class Settings(Section):
        """The shape of the model; defaults as released."""

        width: int = Field(100, ge=1)
        history: int = Field(40, ge=1, description="how many utterances back are seen")
        hops: int = Field(3, ge=1, description="how often the memories are read")
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
        self.own_memory = nn.GRU(width, width, batch_first=True)
        self.other_memory = nn.GRU(width, width, batch_first=True)
        self.classify = Linear(width, classes)
        self.dropout = Dropout(settings.dropout)

    def forward(self, batch: DialogueBatch) -> Prediction:
        """Predict every utterance of a batch; see `DialogueBatch` and `Prediction` for shapes."""
        packing, weights = Packing(batch.valid), equal_weights(batch)
        stream = concatenated(batch, packing, self.modalities)
        history = History(batch.role, packing, self.slots)
        memories = []
        for speaker, memory, spoke in (
            (self.own, self.own_memory, history.own),
            (self.other, self.other_memory, ~history.own),
        ):
            said = torch.tanh(self.dropout(speaker(stream, history.rows, spoke)))
            memories.append(memory(said)[0] * spoke.unsqueeze(-1))
        query = torch.tanh(self.query(stream))
        for _ in range(self.hops):
            found = [history.read(query, memory, self.dropout) for memory in memories]
            query = torch.tanh(query + found[0] + found[1])
        hidden = query * packing.pack(weights).any(dim=-1, keepdim=True)
        return joint_prediction(packing, self.classify(hidden), hidden, weights)
