"""Modality dropout: train on conversations with modalities left out, for models that work without them."""

from dataclasses import replace

import torch

from fedaffect.models.base import DialogueBatch


def hide_modalities(batch: DialogueBatch, probability: float) -> DialogueBatch:
    """The batch with each modality of each conversation absent with a probability.

    An utterance that would lose all its modalities keeps them. Uses torch's current generator.
    """
    present = torch.stack(list(batch.present.values()), dim=1)  # B, M, N
    dropped = torch.rand(present.shape[:2], device=present.device) < probability
    left = present & ~dropped.unsqueeze(-1)
    left |= present & ~left.any(dim=1, keepdim=True)
    return replace(batch, present=dict(zip(batch.present, left.unbind(1), strict=True)))
