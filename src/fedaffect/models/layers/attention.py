"""One stream reads another: multi-head attention, and an encoder made of it, as in SDT (Ma et al. 2024)."""

import math
from typing import Self

import torch
from pydantic import model_validator
from torch import Tensor, nn
from torch.nn import functional

from fedaffect.experiment import Section
from fedaffect.models.layers.dropout import Dropout
from fedaffect.models.layers.linear import Linear
from fedaffect.models.layers.packing import Packing


class HeadedSection(Section):
    """Settings of a model with attention, whose heads share its width."""

    width: int
    heads: int

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        return self


class Attention(nn.Module):
    """Multi-head attention inside conversations, with dropout on its weights.

    Streams come as packed rows; only the attention itself knows where a conversation ends.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = Dropout(dropout)
        self.query = Linear(width, width)
        self.key = Linear(width, width)
        self.value = Linear(width, width)
        self.output = Linear(width, width)

    def forward(self, query: Tensor, source: Tensor, readable: Tensor, packing: Packing) -> Tensor:
        """What `query` [T, d] reads in `source` [T, d].

        Args:
            readable: bool [B, N], True = may be attended to. A conversation with nothing to read
                gives a readout of 0, neither NaN nor the mean of what must not be read.

        Returns:
            float32 [T, d].
        """
        asked, key, value = (
            self._split(packing.unpack(rows))
            for rows in (self.query(query), self.key(source), self.value(source))
        )
        score = asked / math.sqrt(key.shape[-1]) @ key.transpose(-1, -2)
        # Added, not filled in: a broadcast addition is what a CPU does fast.
        hidden = torch.zeros_like(readable, dtype=score.dtype)
        hidden = hidden.masked_fill(~readable, torch.finfo(score.dtype).min / 2)
        weight = (score + hidden[:, None, None, :]).softmax(dim=-1)
        something = readable.any(dim=1)[:, None, None, None]
        readout = (self.dropout(weight) @ value) * something
        # B, heads, N, d/heads -> B, N, d -> T, d
        output: Tensor = self.output(packing.pack(readout.transpose(1, 2).flatten(2)))
        return output

    def _split(self, stream: Tensor) -> Tensor:
        # B, N, d -> B, heads, N, d/heads
        return stream.view(*stream.shape[:2], self.heads, -1).transpose(1, 2)


class EncoderLayer(nn.Module):
    """Attention, then a feed-forward network, each beside a residual of the query stream.

    The first layer of an encoder reads its streams as they are; `first=True` therefore has no
    attention norm, unless `idle_norm` keeps one that nothing uses, as SDT's release does.
    """

    def __init__(
        self, width: int, heads: int, feedforward: int, dropout: float, first: bool, idle_norm: bool
    ) -> None:
        super().__init__()
        self.first = first
        if not first or idle_norm:
            self.attention_norm = nn.LayerNorm(width, eps=1e-6)
        self.attention = Attention(width, heads, dropout)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.expand = Linear(width, feedforward)
        self.contract = Linear(feedforward, width)
        self.dropout = Dropout(dropout)

    def forward(
        self, query: Tensor, source: Tensor | None, readable: Tensor, packing: Packing
    ) -> Tensor:
        """`query` [T, d] after reading `source` [T, d], or itself where that is None."""
        asked = query if self.first else self.attention_norm(query)
        read = self.attention(asked, asked if source is None else source, readable, packing)
        stream = query + self.dropout(read)
        inner = functional.gelu(self.expand(self.norm(stream)), approximate="tanh")
        output: Tensor = stream + self.dropout(self.contract(self.dropout(inner)))
        return output


class Encoder(nn.Module):
    """Layers through which one stream reads another, or itself."""

    def __init__(
        self,
        width: int,
        heads: int,
        feedforward: int,
        layers: int,
        dropout: float,
        idle_norm: bool = False,
    ) -> None:
        super().__init__()
        self.layer = nn.ModuleList(
            EncoderLayer(width, heads, feedforward, dropout, index == 0, idle_norm)
            for index in range(layers)
        )

    def forward(
        self, query: Tensor, source: Tensor | None, readable: Tensor, packing: Packing
    ) -> Tensor:
        """[T, d] of the query stream; shapes and masks as in `EncoderLayer` and `Attention`."""
        for layer in self.layer:
            query = layer(query, source, readable, packing)
        return query
