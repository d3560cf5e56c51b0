"""Learning from conversations with a modality left out, so that a model can do without it."""

from dataclasses import replace

import torch

from fedaffect.models.base import DialogueBatch


def hide_modalities(batch: DialogueBatch, probability: float) -> DialogueBatch:
    """The batch with each modality of each conversation made absent with a probability, but never all.

    An utterance that would lose every modality it has keeps them all. Drawn from torch's current generator.
    """
    present = torch.stack(list(batch.present.values()), dim=1)  # B, M, N
    drawn = torch.rand(present.shape[:2], device=present.device) < probability
    left = present & ~drawn.unsqueeze(-1)
    left |= present & ~left.any(dim=1, keepdim=True)
    return replace(batch, present=dict(zip(batch.present, left.unbind(1), strict=True)))
