"""Neighbours: multinomial logistic regression, which every deeper model has to beat.

It reads an utterance's features and the mean of those around it, or with `reach=0` the utterance alone, as a
plain softmax head. L2 is `training.weight_decay`.
"""

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import nn

from fedaffect.experiment import Section
from fedaffect.models.base import DialogueBatch, Prediction, equal_weights
from fedaffect.models.layers.linear import Linear


class Neighbours(nn.Module):
    """One linear map of [own features; mean of the neighbours'], for each modality.

    The mean leaves the utterance itself out, and counts only neighbours that have the modality; where
    there is none, it is 0. A linear model has learnt nothing about an utterance but its logits, so
    they are its embedding.

    Args:
        modalities: feature width by name, in sorted order.
        roles: not used: who speaks makes no difference.
    """

    class Settings(Section):
        reach: int = Field(3, ge=0, description="neighbours on either side; 0 = none")

    def __init__(
        self, settings: Settings, *, modalities: Mapping[str, int], roles: int, classes: int
    ) -> None:
        super().__init__()
        self.modalities = tuple(modalities)
        self.reach = settings.reach
        views = 2 if self.reach else 1
        self.classify = Linear(views * sum(modalities.values()), classes)

    def forward(self, batch: DialogueBatch) -> Prediction:
        """Predict every utterance of a batch; see `DialogueBatch` and `Prediction` for shapes."""
        turn = torch.arange(batch.valid.shape[1], device=batch.valid.device)
        distance = (turn.unsqueeze(1) - turn).abs()
        near = (distance > 0) & (distance <= self.reach)
        read = []
        for m in self.modalities:
            present = batch.present[m] & batch.valid
            own = batch.features[m].masked_fill(~present.unsqueeze(-1), 0)
            read.append(own)
            if self.reach:
                among = (near & present.unsqueeze(1)).to(own.dtype)  # B, N, N
                read.append(among @ own / among.sum(dim=-1, keepdim=True).clamp_min(1))
        logits, weights = self.classify(torch.cat(read, dim=-1)), equal_weights(batch)
        return Prediction(
            logits=logits,
            students={},
            embedding=logits * weights.any(dim=-1, keepdim=True),
            embedding_by_modality={},
            modality_weights=weights,
        )
