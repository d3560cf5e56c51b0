"""The features of every modality, brought to one width."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from fedaffect.models.base import DialogueBatch
from fedaffect.models.layers.linear import Linear
from fedaffect.models.layers.packing import Packing


class Projection(nn.Module):
    """A linear map for each modality; where one is absent, it maps zeros.

    Args:
        modalities: feature width by name, in sorted order.
        width: of every stream.
    """

    def __init__(self, modalities: Mapping[str, int], width: int) -> None:
        super().__init__()
        self.map = nn.ModuleDict({m: Linear(size, width) for m, size in modalities.items()})

    def forward(self, batch: DialogueBatch, packing: Packing) -> tuple[dict[str, Tensor], Tensor]:
        """The streams [T, width] by modality, and which are present, bool [T, M]."""
        present = {m: packing.pack(batch.present[m]) for m in self.map}
        stream = {
            m: project(packing.pack(batch.features[m]).masked_fill(~present[m].unsqueeze(-1), 0))
            for m, project in self.map.items()
        }
        return stream, torch.stack(list(present.values()), dim=-1)
