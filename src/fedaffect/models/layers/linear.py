"""The linear layer of all models: torch's, with the processor's fast matrix product where torch misses it.

On a CPU torch multiplies float32 matrices with MKL, which uses the wide vector units of Intel's processors
alone; oneDNN, which torch ships too, uses them on any. On an AMD EPYC (Zen 5) it is twice as fast
(docs/performance.md). Results agree to rounding.
"""

import os
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

# oneDNN keeps a compiled kernel, with its memory, for each of the last 1024 shapes; batches of
# conversations hardly ever repeat one, and a process would grow by gigabytes.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128")

WORTHWHILE = 2**24
"""Multiplications from which the detour through Python pays; everywhere, it slows widths 64 and 128."""


class Linear(nn.Linear):
    """`torch.nn.Linear`; same parameters, same function."""

    def forward(self, x: Tensor) -> Tensor:
        large = x.numel() * self.out_features >= WORTHWHILE
        plain = x.dtype == torch.float32 and x.is_cpu and not torch.is_autocast_enabled("cpu")
        if large and plain and prefers_onednn():
            product: Tensor = _OneDnnLinear.apply(  # type: ignore[no-untyped-call]
                x, self.weight, self.bias
            )
            return product
        return functional.linear(x, self.weight, self.bias)


@cache
def prefers_onednn() -> bool:
    """Whether float32 products go to oneDNN: it is there, and the processor is not Intel's."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    info = Path("/proc/cpuinfo")
    return info.is_file() and "AuthenticAMD" in info.read_text(encoding="utf-8")


def _product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x @ weight.T + bias for [T, n] and [m, n]; either may be a transposed view."""
    result: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return result


class _OneDnnLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        ctx.save_for_backward(rows, weight)
        ctx.shape, ctx.has_bias = x.shape, bias is not None
        return _product(rows, weight, bias).view(*x.shape[:-1], len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None]:
        rows, weight = ctx.saved_tensors
        flat = gradient.reshape(-1, gradient.shape[-1])
        for_x = None
        if ctx.needs_input_grad[0]:
            for_x = _product(flat, weight.t(), None).view(ctx.shape)
        for_weight = _product(flat.t(), rows.t(), None)
        return for_x, for_weight, flat.sum(dim=0) if ctx.has_bias else None
