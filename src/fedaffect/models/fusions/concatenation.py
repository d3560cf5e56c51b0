"""All features of an utterance as one long vector."""

from collections.abc import Iterable

import torch
from torch import Tensor

from fedaffect.models.base import DialogueBatch
from fedaffect.models.layers.packing import Packing


def concatenated(batch: DialogueBatch, packing: Packing, modalities: Iterable[str]) -> Tensor:
    """[T, Σ d_m]: the modalities in the order given; one that is absent is zeros, whatever is stored."""
    read = [
        packing.pack(batch.features[m].masked_fill(~batch.present[m].unsqueeze(-1), 0))
        for m in modalities
    ]
    return torch.cat(read, dim=-1)
