"""Late fusion: one small model for each modality, whose opinions are averaged.

No paper of its own: with early fusion, the other plain baseline.
"""

from collections.abc import Mapping

import torch
from torch import nn

from fedaffect.models.base import DialogueBatch, Prediction, equal_weights
from fedaffect.models.early_fusion import EarlyFusion


class LateFusion(nn.Module):
    """`EarlyFusion` of each modality alone; the answer is the mean probability over those present.

    An absent modality has no say at that utterance, and reads zeros there on its way to the next.

    Args:
        modalities: feature width by name, in sorted order.
        roles: number of roles; `roles` itself is the role of padding.
    """

    class Settings(EarlyFusion.Settings):
        """The shape of each modality's own model."""

    def __init__(
        self, settings: Settings, *, modalities: Mapping[str, int], roles: int, classes: int
    ) -> None:
        super().__init__()
        self.student = nn.ModuleDict(
            {
                m: EarlyFusion(settings, modalities={m: size}, roles=roles, classes=classes)
                for m, size in modalities.items()
            }
        )

    def forward(self, batch: DialogueBatch) -> Prediction:
        """Predict every utterance of a batch; see `DialogueBatch` and `Prediction` for shapes."""
        weights = equal_weights(batch)
        opinions = {m: student(batch) for m, student in self.student.items()}
        log_probability = torch.stack(
            [opinion.logits.log_softmax(dim=-1) for opinion in opinions.values()], dim=-2
        )
        # A weight of 0 has no logarithm; so far down a probability is 0, and so is what it could learn.
        log_weight = weights.log().clamp_min(-1000).unsqueeze(-1)
        embedding = torch.stack([opinion.embedding for opinion in opinions.values()], dim=-2)
        return Prediction(
            logits=(log_probability + log_weight).logsumexp(dim=-2),
            students={m: opinion.logits for m, opinion in opinions.items()},
            embedding=(weights.unsqueeze(-1) * embedding).sum(dim=-2),
            embedding_by_modality={m: opinion.embedding for m, opinion in opinions.items()},
            modality_weights=weights,
        )
