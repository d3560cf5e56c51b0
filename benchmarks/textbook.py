"""SDT as a textbook would write it: padded, nine encoders called one by one, torch's own layers.

What `fedaffect.models.sdt` is measured against and must agree with; it shares no code with it but the
names of the parameters, so that one's weights load into the other. Gated fusion, no missing modality.

    PYTHONPATH=benchmarks fedaffect run iemocap-small --set model.name=textbook:TextbookSDT
"""

import math
from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from fedaffect.experiment import Section
from fedaffect.models.base import DialogueBatch, Prediction


class TextbookSDT(nn.Module):
    """Ma et al. 2024, sections 3.2 to 3.5."""

    class Settings(Section):
        """The keys of the experiment's `[model]` that this formulation has."""

        width: int = Field(64, ge=1)
        heads: int = Field(8, ge=1)
        dropout: float = Field(0.5, ge=0, lt=1)
        fusion: Literal["gated"] = "gated"

    def __init__(
        self, settings: Settings, *, modalities: Mapping[str, int], roles: int, classes: int
    ) -> None:
        super().__init__()
        width, heads, dropout = settings.width, settings.heads, settings.dropout
        names = tuple(modalities)
        pairs = [f"{n}->{m}" for m in names for n in names]
        self.modalities = names
        self.project = nn.ModuleDict(
            {m: nn.Linear(size, width, bias=False) for m, size in modalities.items()}
        )
        self.role = nn.Embedding(roles + 1, width, padding_idx=roles)
        self.encoder = nn.ModuleDict({p: _Encoder(width, heads, dropout) for p in pairs})
        self.unimodal_gate = nn.ModuleDict({p: nn.Linear(width, width, bias=False) for p in pairs})
        self.reduce = nn.ModuleDict({m: nn.Linear(len(names) * width, width) for m in names})
        self.fusion = nn.ModuleDict({"gate": nn.Linear(width, width, bias=False)})
        self.classify = nn.Linear(width, classes)
        self.student = nn.ModuleDict({m: nn.Linear(width, classes) for m in names})
        self.dropout = nn.Dropout(dropout)

    def forward(self, batch: DialogueBatch) -> Prediction:
        turns, width = batch.valid.shape[1], self.role.embedding_dim
        place = _positions(turns, width).to(batch.role.device) + self.role(batch.role)
        stream = {m: self.project[m](batch.features[m]) + place for m in self.modalities}
        padding = ~batch.valid[:, None, None, :]
        hidden = {}
        for m in self.modalities:
            read = []
            for n in (m, *(n for n in self.modalities if n != m)):
                query = self.dropout(stream[m])
                source = query if n == m else self.dropout(stream[n])
                h = self.encoder[f"{n}->{m}"](query, source, padding)
                read.append(torch.sigmoid(self.unimodal_gate[f"{n}->{m}"](h)) * h)
            hidden[m] = self.reduce[m](torch.cat(read, dim=-1))
        stacked = torch.stack(list(hidden.values()), dim=-2)
        weight = self.fusion["gate"](stacked).softmax(dim=-2)
        fused = (weight * stacked).sum(dim=-2)
        return Prediction(
            logits=self.classify(fused),
            students={m: self.student[m](self.dropout(h.relu())) for m, h in hidden.items()},
            embedding=fused,
            embedding_by_modality=hidden,
            modality_weights=weight.mean(dim=-1),
        )


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.output = nn.Linear(width, width), nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query: Tensor, source: Tensor, padding: Tensor) -> Tensor:
        batch, length, width = query.shape
        q, k, v = (
            x.view(batch, length, self.heads, -1).transpose(1, 2)
            for x in (self.query(query), self.key(source), self.value(source))
        )
        score = q @ k.transpose(-1, -2) / math.sqrt(width // self.heads)
        weight = self.dropout(score.masked_fill(padding, -1e10).softmax(dim=-1))
        return self.output((weight @ v).transpose(1, 2).reshape(batch, length, width))


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = _Attention(width, heads, dropout)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.expand, self.contract = nn.Linear(width, width), nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query: Tensor, source: Tensor, padding: Tensor) -> Tensor:
        stream = query + self.dropout(self.attention(query, source, padding))
        inner = nn.functional.gelu(self.expand(self.norm(stream)), approximate="tanh")
        return stream + self.dropout(self.contract(self.dropout(inner)))


class _Encoder(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.layer = nn.ModuleList([_Layer(width, heads, dropout)])

    def forward(self, query: Tensor, source: Tensor, padding: Tensor) -> Tensor:
        return self.layer[0](query, source, padding)


def _positions(length: int, width: int) -> Tensor:
    angle = torch.arange(length)[:, None] * 10_000.0 ** (-torch.arange(0, width, 2) / width)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)
