"""Precision of matrix products: float32, or bfloat16 where the device has units for it and it is faster.

Only operands of products are cast (torch.autocast); weights, optimiser and losses stay float32.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

WIDE = 512
"""From this width on bfloat16 saves more than a third of a step (docs/performance.md)."""


@dataclass(frozen=True)
class Precision:
    """The chosen precision and the reason, as recorded in `environment.json`."""

    name: Literal["float32", "bfloat16"]
    reason: str

    def products(self, device: torch.device) -> AbstractContextManager[None]:
        """Inside the context, products on the device are computed in this precision."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.name == "bfloat16")


def choose(
    asked: Literal["auto", "float32", "bfloat16"], model: nn.Module, device: torch.device
) -> Precision:
    """The precision asked for; `auto` decides by the model's width and the device.

    Convolutions count as wide, since they sum over a neighbourhood. The rule depends on nothing that changes
    between runs, so equal experiments on one machine give equal numbers.
    """
    if asked != "auto":
        return Precision(asked, "as the experiment says")
    width = max((min(p.shape) for p in model.parameters() if p.dim() == 2), default=0)
    convolves = any(p.dim() == 4 for p in model.parameters())
    if width < WIDE and not convolves:
        return Precision("float32", f"width {width}: bfloat16 pays from {WIDE} on")
    what = "convolutions" if convolves else f"width {width}"
    if not multiplies_bfloat16(device):
        return Precision("float32", f"{what}, but no bfloat16 units on {device.type}")
    return Precision("bfloat16", f"{what}, and {device.type} has bfloat16 units")


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the device has units for products of bfloat16 numbers."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    can: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # not in torch 2.6
    return bool(can.get("avx512_bf16") or can.get("amx_bf16"))
