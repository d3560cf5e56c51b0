"""The floor of a training step: what its matrix products alone would take."""

from collections.abc import Callable

import torch
from torch import nn

from fedaffect.models.base import DialogueBatch
from fedaffect.models.layers.linear import Linear

PRODUCTS = 50


def product(rows: int, width: int, device: torch.device, dtype: torch.dtype) -> Callable[[], None]:
    """One linear layer by itself, many times: the rate that nothing with such products exceeds."""
    linear = Linear(width, width, bias=False).to(device, dtype)
    x = torch.randn(rows, width).to(device, dtype)

    def run() -> None:
        with torch.inference_mode():
            for _ in range(PRODUCTS):
                linear(x)
        finish(device)

    return run


def measured_operations(rows: int, width: int) -> float:
    """FLOP of a run of `product`."""
    return PRODUCTS * 2.0 * rows * width**2


def finish(device: torch.device) -> None:
    """Wait for the work that a GPU has only been handed."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def operations(model: nn.Module, batches: list[DialogueBatch]) -> float:
    """FLOP of an epoch's products: linear layers and attention, nothing for padding.

    A product forward costs two backward, but that nobody asks for the gradient of a feature.
    """
    utterances = float(sum(batch.valid.sum() for batch in batches))
    pairs = float(sum((batch.valid.sum(dim=1) ** 2).sum() for batch in batches))
    total = 0.0
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            passes = 2 if name.startswith("project.") else 3
            every = len(batches[0].features) if name.startswith("fusion.") else 1
            total += passes * every * 2 * utterances * module.weight.numel()
        if name.endswith(".attention"):  # query x key, weight x value
            total += 3 * 2 * 2 * pairs * module.query.out_features
    return total
