"""What a conversation model sees: a few conversations, padded to the longest."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


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
    shares: Tensor | None = None

    def to(self, device: torch.device | str) -> "DialogueBatch":
        """The same batch on another device."""
        return DialogueBatch(
            features={m: x.to(device) for m, x in self.features.items()},
            present={m: x.to(device) for m, x in self.present.items()},
            role=self.role.to(device),
            valid=self.valid.to(device),
            label=self.label.to(device),
            supervised=self.supervised.to(device),
            shares=None if self.shares is None else self.shares.to(device),
        )
