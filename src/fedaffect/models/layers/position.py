"""Where in the conversation an utterance stands."""

import math

import torch
from torch import Tensor, nn


def sinusoid(length: int, width: int, device: torch.device | None = None) -> Tensor:
    """The table of Vaswani et al. 2017, §3.5: sine on even channels, cosine on odd ones.

    Returns:
        float32 [length, width].
    """
    position = torch.arange(length, dtype=torch.float32, device=device).unsqueeze(1)
    even = torch.arange(0, width, 2, dtype=torch.float32, device=device)
    angle = position * torch.exp(even * (-math.log(10_000.0) / width))
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :width]


class Positions(nn.Module):
    """`sinusoid`, kept for the usual lengths and computed for longer ones.

    The table is a constant: it is no parameter, and neither saved nor sent.
    """

    table: Tensor

    def __init__(self, width: int, usual_length: int = 512) -> None:
        super().__init__()
        self.register_buffer("table", sinusoid(usual_length, width), persistent=False)

    def forward(self, turns: Tensor, length: int) -> Tensor:
        """float32 [T, width] for int64 `turns` [T], all below `length`."""
        usual_length, width = self.table.shape
        long = length > usual_length
        table = sinusoid(length, width, self.table.device) if long else self.table
        return table[turns]
