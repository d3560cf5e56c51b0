"""Learning from conversations with a modality left out, so that a model can do without it."""

from dataclasses import replace

import torch

from fedaffect.models.batch import DialogueBatch


def hide_modalities(batch: DialogueBatch, probability: float) -> DialogueBatch:
    """The batch with each modality of each conversation made absent with a probability, but never all.

    A conversation that would lose every modality keeps them all. Drawn from torch's current generator.
    """
    shape = (len(batch.valid), len(batch.present))
    hidden = torch.rand(shape, device=batch.valid.device) < probability
    hidden &= ~hidden.all(dim=1, keepdim=True)
    present = {
        m: rows & ~hidden[:, position, None]
        for position, (m, rows) in enumerate(batch.present.items())
    }
    return replace(batch, present=present)
