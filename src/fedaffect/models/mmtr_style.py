"""MMTr-style: weak modalities are enhanced by the main one, which itself passes through intact.

After the Main Modal Transformer: Zou, Huang, Shen, Liu: Knowledge-Based Systems 258 (2022) 109978, known
here from its abstract and highlights only, and without code. What they say is here: cues of a speaker's
own utterances and of the whole conversation, and multi-head attention that leaves the main modality
alone. Layer sizes, the residual and norm around the attention and the hidden layer are ours, as are any
number of modalities and roles, and missing modalities.
"""

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import Tensor, nn

from fedaffect.models.base import DialogueBatch, Prediction, equal_weights, joint_prediction
from fedaffect.models.encoders.recurrent import Recurrent
from fedaffect.models.fusions.main_modality import main_modality
from fedaffect.models.layers.attention import Attention, HeadedSection
from fedaffect.models.layers.by_role import ByRole
from fedaffect.models.layers.dropout import Dropout
from fedaffect.models.layers.linear import Linear
from fedaffect.models.layers.packing import Packing


class MMTrStyle(nn.Module):
    """Two BiLSTMs read each modality, one the conversation, one each role's own utterances.

    Each weak modality then asks the main one, over the whole conversation, and adds what it is told.
    A missing modality is read as zeros by what comes before and after it, is not attended to where
    it is the main one, and is 0 where all are concatenated.

    Args:
        modalities: feature width by name, in sorted order.
        roles: not used: a role's utterances are gathered, whatever its number.
    """

    class Settings(HeadedSection):
        width: int = Field(
            128, ge=4, multiple_of=4, description="half for each level, a quarter each direction"
        )
        heads: int = Field(8, ge=1)
        layers: int = Field(1, ge=1, description="of every BiLSTM")
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
        self.modalities = tuple(modalities)
        self.conversation = _readers(settings, modalities)
        self.speaker = _readers(settings, modalities)
        weak = [m for m in modalities if m != self.main]
        self.enhance = nn.ModuleDict(
            {m: Attention(width, settings.heads, settings.dropout) for m in weak}
        )
        self.norm = nn.ModuleDict({m: nn.LayerNorm(width) for m in weak})
        self.hidden = Linear(len(modalities) * width, width)
        self.classify = Linear(width, classes)
        self.dropout = Dropout(settings.dropout)

    def forward(self, batch: DialogueBatch) -> Prediction:
        """Predict every utterance of a batch; see `DialogueBatch` and `Prediction` for shapes."""
        packing, weights = Packing(batch.valid), equal_weights(batch)
        threads = ByRole(batch.role, packing)
        absent = {m: ~packing.pack(batch.present[m]).unsqueeze(-1) for m in self.modalities}
        cue = {}
        for m in self.modalities:
            read = packing.pack(batch.features[m]).masked_fill(absent[m], 0)
            levels = self.conversation[m](read, packing), self.speaker[m](read, threads)
            cue[m] = self.dropout(torch.cat(levels, dim=-1)).masked_fill(absent[m], 0)
        readable = batch.present[self.main] & batch.valid
        fused = [cue[self.main]]
        for m in self.enhance:
            enhanced = self._enhanced(m, cue[m], cue[self.main], readable, packing)
            fused.append(enhanced.masked_fill(absent[m], 0))
        something = packing.pack(weights).any(dim=-1, keepdim=True)
        hidden = self.hidden(torch.cat(fused, dim=-1)).relu() * something
        return joint_prediction(packing, self.classify(self.dropout(hidden)), hidden, weights)

    def _enhanced(
        self, weak: str, cue: Tensor, main: Tensor, readable: Tensor, packing: Packing
    ) -> Tensor:
        """A weak modality's cue [T, d] with what it reads of the main one's [T, d]."""
        told = self.enhance[weak](cue, main, readable, packing)
        enhanced: Tensor = self.norm[weak](cue + self.dropout(told))
        return enhanced


def _readers(settings: MMTrStyle.Settings, modalities: Mapping[str, int]) -> nn.ModuleDict:
    """A BiLSTM for each modality, half the width wide."""
    return nn.ModuleDict(
        {
            m: Recurrent(
                size,
                settings.width // 2,
                cell="lstm",
                layers=settings.layers,
                dropout=settings.dropout,
            )
            for m, size in modalities.items()
        }
    )
