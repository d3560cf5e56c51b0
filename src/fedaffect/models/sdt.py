"""SDT: a self-distilling transformer over the modalities of a conversation.

Ma, Wang, Lin, Zhang, Zhang, Xu: IEEE Transactions on Multimedia 26 (2024), arXiv 2310.20494. Here for
any number of modalities, with missing ones, and with the fusion of Wang et al. 2026 as a choice.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from fedaffect.errors import UserError
from fedaffect.models.base import DialogueBatch, Prediction
from fedaffect.models.encoders.recurrent_context import RecurrentContext
from fedaffect.models.fusions.weighted import AttentionScoreFusion, Correlation, GatedFusion
from fedaffect.models.layers.attention import Encoder, HeadedSection
from fedaffect.models.layers.by_role import ByRole
from fedaffect.models.layers.dropout import Dropout
from fedaffect.models.layers.linear import Linear
from fedaffect.models.layers.packing import Packing
from fedaffect.models.layers.position import Positions


class SDT(nn.Module):
    """Every modality reads every modality; gates and a fusion weigh what was read; M students help.

    A missing modality is masked out of what others read and out of the fusion; its features are not
    looked at. Attention runs over the whole conversation, the future included.

    Args:
        modalities: feature width by name, in sorted order.
        roles: number of roles; `roles` itself is the role of padding.
    """

    class Settings(HeadedSection):
        """The shape of the model. `paper` is width 1024, `small` 256, `narrow` 128, `tiny` 64."""

        width: int = Field(64, ge=1)
        heads: int = Field(8, ge=1)
        feedforward: int = Field(0, ge=0, description="0 = width")
        layers: int = Field(1, ge=1)
        dropout: float = Field(0.5, ge=0, lt=1)
        context: Literal["none", "recurrent"] = Field(
            "none",
            description="recurrent: before all else a BiGRU reads each modality's conversation, and another "
            "each role's own utterances, as in MM-DFN and MMTr",
        )
        encoders: Literal["all", "intra", "inter"] = Field(
            "all", description="a modality reads: all, itself alone, the others alone"
        )
        roles: bool = Field(True, description="whether who speaks is added to every stream")
        predict_with: Literal["fusion", "students"] = Field(
            "fusion", description="students: the mean of their probabilities, no fused head"
        )
        fusion: Literal["gated", "attention_score"] = "gated"
        unimodal_gate: Literal["trained", "identity"] = Field(
            "trained", description="identity: x sigmoid(x), as SDT has it on MELD"
        )
        parity: bool = Field(
            False, description="keep the parameters of SDT's release that nothing uses or trains"
        )
        attention_units: int = Field(128, ge=1)
        attention_axis: Literal["modality", "time"] = Field(
            "modality",
            description="what the softmax of eq. 5 runs over, for each utterance or modality",
        )
        rho: Correlation = "pearson"
        beta: Literal["learned"] | Annotated[float, Field(gt=-1)] = "learned"
        modality_order: tuple[str, ...] = Field(
            (),
            description="for rho: each is compared with the one before; those not named follow by name",
        )
        embedding_dim: int = Field(0, ge=0, description="0 = width, without a projection")

        @model_validator(mode="after")
        def _halves(self) -> Self:
            if self.context == "recurrent" and self.width % 2:
                raise ValueError(f"width {self.width} cannot be halved for two directions")
            return self

    def __init__(
        self, settings: Settings, *, modalities: Mapping[str, int], roles: int, classes: int
    ) -> None:
        super().__init__()
        names, width = tuple(modalities), settings.width
        self.modalities = names
        self.sources = {m: _sources(settings, names, m) for m in names}
        self.predict_with = settings.predict_with
        self.project = nn.ModuleDict(
            {m: Linear(size, width, bias=False) for m, size in modalities.items()}
        )
        reads = names if settings.context == "recurrent" else ()
        self.context = nn.ModuleDict({m: RecurrentContext(width, settings.dropout) for m in reads})
        self.positions = Positions(width)
        self.role = nn.Embedding(roles + 1, width, padding_idx=roles) if settings.roles else None
        self.dropout = Dropout(settings.dropout)
        pairs = [_pair(source, m) for m in names for source in sorted(self.sources[m])]
        self.encoder = nn.ModuleDict(
            {
                pair: Encoder(
                    width,
                    settings.heads,
                    settings.feedforward or width,
                    settings.layers,
                    settings.dropout,
                    idle_norm=settings.parity,
                )
                for pair in pairs
            }
        )
        self.unimodal_gate = nn.ModuleDict({pair: _unimodal_gate(settings) for pair in pairs})
        self.reduce = nn.ModuleDict({m: Linear(len(self.sources[m]) * width, width) for m in names})
        self.fusion = _fusion(settings, names)
        self.classify = Linear(width, classes)
        self.student = nn.ModuleDict({m: Linear(width, classes) for m in names})
        self.embed = (
            Linear(width, settings.embedding_dim, bias=False)
            if settings.embedding_dim
            else nn.Identity()
        )

    def forward(self, batch: DialogueBatch) -> Prediction:
        """Predict every utterance of a batch; see `DialogueBatch` and `Prediction` for shapes."""
        packing = Packing(batch.valid)
        present = {m: batch.present[m] & batch.valid for m in self.modalities}
        place = self.positions(packing.turns, batch.valid.shape[1])
        if self.role is not None:
            place = place + self.role(packing.pack(batch.role))
        threads = ByRole(batch.role, packing) if self.context else packing
        stream = {}
        for m in self.modalities:
            absent = ~packing.pack(present[m]).unsqueeze(-1)
            stream[m] = self.project[m](packing.pack(batch.features[m]).masked_fill(absent, 0))
            if self.context:
                stream[m] = self.context[m](stream[m], packing, threads)
            stream[m] = stream[m] + place
        hidden = {m: self._gather(m, stream, present, packing) for m in self.modalities}
        here = packing.pack(torch.stack(list(present.values()), dim=-1))
        fused, weights = self.fusion(torch.stack(list(hidden.values()), dim=-2), here, packing)
        student = {m: self.student[m](self.dropout(h.relu())) for m, h in hidden.items()}
        logits = (
            self.classify(fused)
            if self.predict_with == "fusion"
            else _mean_opinion(torch.stack(list(student.values()), dim=-2), here)
        )
        return Prediction(
            logits=packing.unpack(logits),
            students={m: packing.unpack(logits) for m, logits in student.items()},
            embedding=packing.unpack(self.embed(fused)),
            embedding_by_modality={m: packing.unpack(self.embed(h)) for m, h in hidden.items()},
            modality_weights=packing.unpack(weights),
        )

    def _gather(
        self,
        modality: str,
        stream: Mapping[str, Tensor],
        present: Mapping[str, Tensor],
        packing: Packing,
    ) -> Tensor:
        """What one modality [T, d] knows after reading itself, then each of the others."""
        read = []
        for source in self.sources[modality]:
            pair = _pair(source, modality)
            # Every stream that enters an encoder has a dropout draw of its own.
            query = self.dropout(stream[modality])
            other = None if source == modality else self.dropout(stream[source])
            hidden = self.encoder[pair](query, other, present[source], packing)
            read.append(torch.sigmoid(self.unimodal_gate[pair](hidden)) * hidden)
        gathered: Tensor = self.reduce[modality](torch.cat(read, dim=-1))
        return gathered


def _pair(source: str, target: str) -> str:
    return f"{source}->{target}"


def _sources(settings: SDT.Settings, names: tuple[str, ...], modality: str) -> tuple[str, ...]:
    """What a modality reads: itself first."""
    others = tuple(m for m in names if m != modality)
    if settings.encoders == "inter" and not others:
        raise UserError("model: encoders: with one modality there is no other to read; use `intra`")
    chosen = {"all": (modality, *others), "intra": (modality,), "inter": others}
    return chosen[settings.encoders]


def _mean_opinion(logits: Tensor, present: Tensor) -> Tensor:
    """Log of the students' mean probability, [T, C], over the modalities present: [T, M, C], [T, M]."""
    count = present.sum(dim=-1, keepdim=True).clamp_min(1)
    share = present / count
    probability = (logits.softmax(dim=-1) * share.unsqueeze(-1)).sum(dim=-2)
    return probability.clamp_min(torch.finfo(probability.dtype).tiny).log()


def _unimodal_gate(settings: SDT.Settings) -> nn.Module:
    """The map inside sigmoid(map(x)) x: trained, or the identity (as frozen parameters, for parity)."""
    if settings.unimodal_gate == "identity" and not settings.parity:
        return nn.Identity()
    gate = Linear(settings.width, settings.width, bias=False)
    if settings.unimodal_gate == "identity":
        nn.init.eye_(gate.weight)
        gate.requires_grad_(False)
    return gate


def _fusion(settings: SDT.Settings, names: tuple[str, ...]) -> nn.Module:
    first = settings.modality_order
    if len(set(first)) < len(first) or not set(first) <= set(names):
        raise UserError(
            f"model: modality_order: name each modality at most once, of: {', '.join(names)} "
            f"(given: {', '.join(first)})"
        )
    order = (*first, *(m for m in names if m not in first))
    if settings.fusion == "gated":
        return GatedFusion(settings.width)
    return AttentionScoreFusion(
        settings.width,
        order=[names.index(m) for m in order],
        units=settings.attention_units,
        axis=settings.attention_axis,
        rho=settings.rho,
        beta=None if settings.beta == "learned" else settings.beta,
    )
