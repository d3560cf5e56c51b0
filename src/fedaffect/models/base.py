"""What a conversation model sees, a `DialogueBatch`, and what it answers, a `Prediction`."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from fedaffect.models.layers.packing import Packing


@dataclass(frozen=True)
class DialogueBatch:
    """B conversations of up to N utterances. Masks: True = counts.

    Attributes:
        features: by modality (names sorted), float32 [B, N, d_m]; images are uint8 [B, N, height, width].
        present: by modality, bool [B, N]; False = the utterance lacks it and its features are never read.
        role: int64 [B, N], who speaks inside the conversation; padding has the role `roles`.
        valid: bool [B, N], True = a real utterance, False = padding.
        label: int64 [B, N], 0 where not supervised.
        supervised: bool [B, N], True = counts in the loss (implies `valid`); the rest is context.
        shares: float32 [B, N, C], to learn from instead of the label: how much of an utterance is of each
            class, rows sum to 1. None = the label.
    """

    features: Mapping[str, Tensor]
    present: Mapping[str, Tensor]
    role: Tensor
    valid: Tensor
    label: Tensor
    supervised: Tensor
    soft_label: Tensor | None = None

    def to(self, device: torch.device | str) -> "DialogueBatch":
        """The same batch on another device."""
        return DialogueBatch(
            features={m: x.to(device) for m, x in self.features.items()},
            present={m: x.to(device) for m, x in self.present.items()},
            role=self.role.to(device),
            valid=self.valid.to(device),
            label=self.label.to(device),
            supervised=self.supervised.to(device),
            soft_label=None if self.soft_label is None else self.soft_label.to(device),
        )


@dataclass(frozen=True)
class Prediction:
    """One forward pass over a `DialogueBatch`; rows of padding are finite and mean nothing.

    Attributes:
        logits: float32 [B, N, C] of all modalities together.
        students: logits float32 [B, N, C] of a model's parts, each called by the modality it is of (it
            then means nothing where that is absent) or by a name of its own; empty where it has none.
        embedding: float32 [B, N, embedding_dim], what prototypes are means of; 0 without a modality.
        embedding_by_modality: by modality, float32 [B, N, embedding_dim]; empty where a model has none.
        modality_weights: float32 [B, N, M] in the order of the modalities; 0 where absent, and the
            others of an utterance sum to 1.
    """

    logits: Tensor
    students: Mapping[str, Tensor]
    embedding: Tensor
    embedding_by_modality: Mapping[str, Tensor]
    modality_weights: Tensor

    def float(self) -> "Prediction":
        """The same in float32, whatever precision the model's products had."""
        return Prediction(
            logits=self.logits.float(),
            students={m: x.float() for m, x in self.students.items()},
            embedding=self.embedding.float(),
            embedding_by_modality={m: x.float() for m, x in self.embedding_by_modality.items()},
            modality_weights=self.modality_weights.float(),
        )


def joint_prediction(
    packing: Packing, logits: Tensor, embedding: Tensor, weights: Tensor
) -> Prediction:
    """The prediction of a model with one opinion, of all modalities together.

    Args:
        logits: float32 [T, C] of the packed utterances.
        embedding: float32 [T, embedding_dim].
        weights: float32 [B, N, M], see `Prediction.modality_weights`.
    """
    return Prediction(
        logits=packing.unpack(logits),
        students={},
        embedding=packing.unpack(embedding),
        embedding_by_modality={},
        modality_weights=weights,
    )


def equal_weights(batch: DialogueBatch) -> Tensor:
    """Modality weights [B, N, M] of a model that weighs none: each that is present counts alike."""
    present = torch.stack(list(batch.present.values()), dim=-1) & batch.valid.unsqueeze(-1)
    return present / present.sum(dim=-1, keepdim=True).clamp_min(1)
