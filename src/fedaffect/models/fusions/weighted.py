"""From one vector a modality to one vector an utterance; absent modalities weigh nothing.

Every fusion has `forward(hidden [T, M, d], present bool [T, M], packing)` for packed utterances, and
returns the fused [T, d] and the weights of the modalities [T, M]. An utterance without a modality gives 0.
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from fedaffect.models.layers.linear import Linear
from fedaffect.models.layers.packing import Packing

Correlation = Literal["pearson", "abs", "ones"]
SMALLEST_CORRELATION = 0.05
SMALLEST_SCORE = 1e-6


def softmax_over_present(score: Tensor, present: Tensor, dim: int) -> Tensor:
    """Softmax along `dim` among what is present; 0 where absent, and all 0 where nothing is present."""
    score = score.masked_fill(~present, torch.finfo(score.dtype).min)
    return torch.softmax(score, dim) * present


class GatedFusion(nn.Module):
    """SDT's multimodal gate (Ma et al. 2024): a softmax over modalities in every channel.

    One linear map scores every modality; the weights of the modalities are means over channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = Linear(width, width, bias=False)

    def forward(
        self, hidden: Tensor, present: Tensor, packing: Packing | None = None
    ) -> tuple[Tensor, Tensor]:
        weights = softmax_over_present(self.gate(hidden), present.unsqueeze(-1), dim=-2)
        return (weights * hidden).sum(dim=-2), weights.mean(dim=-1)


class AttentionScoreFusion(nn.Module):
    """Attention scores of modalities (Wang et al. 2026, eqs. 3-7, in a reading that is defined).

    For the vector x_m of each present modality m of an utterance

        u = tanh(W x + b),  e = V u                               (3, 4: additive attention)
        a = softmax(e / sqrt(U))         (5: over the modalities, or over a conversation's utterances)
        a' = rho (1 + beta a)                                     (6)
        x' = sum_m a'_m x_m / sum_m a'_m                          (7, normalised)

    with one W, b and V for all modalities. rho_m is the correlation over channels of x_m with its
    predecessor in `order`, the nearest one present, moved to [0, 1] by (1 + r) / 2 (`pearson`) or |r|
    (`abs`), floored so that no modality falls silent for ever, and no path for gradients; without a
    predecessor, and with `ones`, it is 1.
    beta_m = softplus(b_m) - 1 > -1 is learned from 0, or fixed.

    Args:
        order: indices of the modalities; each but the first has a predecessor.
        units: U.
        axis: of the softmax. Over time a weight is about 1/N, so that it hardly moves a'.
        beta: None = learned, one for each modality.
    """

    def __init__(
        self,
        width: int,
        order: Sequence[int],
        units: int = 128,
        axis: Literal["modality", "time"] = "modality",
        rho: Correlation = "pearson",
        beta: float | None = None,
    ) -> None:
        super().__init__()
        self.order = tuple(order)
        self.axis = axis
        self.rho = rho
        self.fixed_beta = beta
        self.units = Linear(width, units)
        self.score = Linear(units, 1, bias=False)
        if beta is None:
            self.raw_beta = nn.Parameter(torch.full((len(self.order),), math.log(math.e - 1)))

    @property
    def beta(self) -> Tensor | float:
        """[M], or the fixed number."""
        if self.fixed_beta is not None:
            return self.fixed_beta
        return functional.softplus(self.raw_beta) - 1

    def forward(
        self, hidden: Tensor, present: Tensor, packing: Packing | None = None
    ) -> tuple[Tensor, Tensor]:
        units = torch.tanh(self.units(hidden))
        score = self.score(units).squeeze(-1) / math.sqrt(units.shape[-1])
        if self.axis == "modality":
            attention = softmax_over_present(score, present, dim=-1)
        else:
            if packing is None:
                raise ValueError("over time, it must be known where a conversation ends")
            there = packing.unpack(present)
            attention = packing.pack(softmax_over_present(packing.unpack(score), there, dim=1))
        scaled = self.correlations(hidden, present) * (1 + self.beta * attention)
        scaled = scaled.clamp_min(SMALLEST_SCORE) * present
        weights = scaled / scaled.sum(dim=-1, keepdim=True).clamp_min(SMALLEST_SCORE)
        return (weights.unsqueeze(-1) * hidden).sum(dim=-2), weights

    @torch.no_grad()
    def correlations(self, hidden: Tensor, present: Tensor) -> Tensor:
        """rho, [T, M] in [0.05, 1]; 1 where there is nothing to correlate with."""
        hidden = hidden.float()  # a mean over channels, whatever products are computed in
        rho = torch.ones_like(hidden[..., 0])
        if self.rho == "ones":
            return rho
        centred = hidden - hidden.mean(dim=-1, keepdim=True)
        predecessor = torch.zeros_like(centred[..., 0, :])
        preceded = torch.zeros_like(present[..., 0])
        for m in self.order:
            r = functional.cosine_similarity(centred[..., m, :], predecessor, dim=-1)
            positive = (1 + r) / 2 if self.rho == "pearson" else r.abs()
            rho[..., m] = torch.where(preceded, positive.clamp(SMALLEST_CORRELATION, 1), 1.0)
            here = present[..., m]
            predecessor = torch.where(here.unsqueeze(-1), centred[..., m, :], predecessor)
            preceded = preceded | here
        return rho
