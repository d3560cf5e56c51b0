"""Padded conversations as plain rows of utterances, so that nothing is computed for padding."""

import torch
from torch import Tensor


class Packing:
    """Between [B, N, ...], padded, and [T, ...], the T valid utterances in order."""

    def __init__(self, valid: Tensor) -> None:
        """`valid`: bool [B, N], the valid ones first."""
        self.shape = valid.shape
        self.lengths = valid.sum(dim=1)
        self.rows = valid.flatten().nonzero().squeeze(1)

    @property
    def turns(self) -> Tensor:
        """int64 [T], where in its conversation each utterance stands."""
        return self.rows % self.shape[1]

    def pack(self, padded: Tensor) -> Tensor:
        """[B, N, ...] → [T, ...]."""
        return padded.flatten(0, 1).index_select(0, self.rows)

    def unpack(self, packed: Tensor) -> Tensor:
        """[T, ...] → [B, N, ...], zeros in the padding."""
        size = self.shape[0] * self.shape[1]
        padded = torch.zeros((size, *packed.shape[1:]), dtype=packed.dtype, device=packed.device)
        return padded.index_copy(0, self.rows, packed).view(*self.shape, *packed.shape[1:])
