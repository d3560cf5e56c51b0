"""One stream reads another: multi-head attention, and an encoder made of it, as in SDT (Ma et al. 2024)."""

from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    """Multi-head attention with dropout on its weights."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def forward(self, query: Tensor, source: Tensor, readable: Tensor) -> Tensor:
        """What `query` [B, N, d] reads in `source` [B, N', d].

        Args:
            readable: bool [B, N'], True = may be attended to. A conversation with nothing to read
                gives a readout of 0, neither NaN nor the mean of what must not be read.

        Returns:
            float32 [B, N, d].
        """
        something = readable.any(dim=1)[:, None, None, None]
        mask = readable[:, None, None, :] | ~something
        readout = functional.scaled_dot_product_attention(
            self._split(self.query(query)),
            self._split(self.key(source)),
            self._split(self.value(source)),
            attn_mask=mask,
            dropout_p=self.dropout if self.training else 0.0,
        )
        # B, heads, N, d/heads -> B, N, d
        joined = (readout * something).transpose(1, 2).flatten(2)
        output: Tensor = self.output(joined)
        return output

    def _split(self, stream: Tensor) -> Tensor:
        # B, N, d -> B, heads, N, d/heads
        return stream.reshape(*stream.shape[:2], self.heads, -1).transpose(1, 2)


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
        self.expand = nn.Linear(width, feedforward)
        self.contract = nn.Linear(feedforward, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query: Tensor, source: Tensor | None, readable: Tensor) -> Tensor:
        """`query` [B, N, d] after reading `source` [B, N', d], or itself where that is None."""
        asked = query if self.first else self.attention_norm(query)
        read = self.attention(asked, asked if source is None else source, readable)
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

    def forward(self, query: Tensor, source: Tensor | None, readable: Tensor) -> Tensor:
        """[B, N, d] of the query stream; shapes and masks as in `EncoderLayer` and `Attention`."""
        for layer in self.layer:
            query = layer(query, source, readable)
        return query
