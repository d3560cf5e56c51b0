"""Losses that pull embeddings to their global prototype and push them from others: FedProto, FedMPD."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fedaffect.inference.prototypes import Vector

Terms = Literal["both", "pull", "push"]


@dataclass(frozen=True)
class Prototypes:
    """Global prototypes as tensors.

    Attributes:
        table: float32 [P, d].
        label: int64 [P], the class of each.
        margin: float32 [P], r of each (eq. 9).
    """

    table: Tensor
    label: Tensor
    margin: Tensor

    @classmethod
    def of(
        cls,
        prototypes: Mapping[int, Vector],
        margins: Mapping[int, float],
        centres: int,
        device: torch.device,
    ) -> "Prototypes":
        """From prototypes by number; see `fedaffect.inference.prototypes`."""
        numbers = sorted(prototypes)
        table = np.stack([prototypes[n] for n in numbers]).astype(np.float32)
        return cls(
            torch.from_numpy(table).to(device),
            torch.tensor([n // centres for n in numbers], device=device),
            torch.tensor([margins.get(n, 0.0) for n in numbers], device=device),
        )


def pull(embedding: Tensor, label: Tensor, prototypes: Prototypes) -> Tensor:
    """FedProto's regulariser: mean squared error to the label's prototype; 0 for a class without one.

    Args:
        embedding: float32 [n, d]. label: int64 [n].
    """
    own = label[:, None] == prototypes.label
    squared = ((embedding[:, None] - prototypes.table) ** 2).mean(dim=-1)
    return (squared * own).sum() / max(len(label), 1)


def pull_and_push(
    embedding: Tensor,
    label: Tensor,
    prototypes: Prototypes,
    terms: Terms = "both",
    importance: Tensor | None = None,
    size: Tensor | None = None,
) -> Tensor:
    """Eq. 9 of Wang et al. 2026 for each utterance x of class k, averaged:

        d(g(x), c^k) + 1/(P-m) Σ_{l≠k} max(0, r_k - d(g(x), c^l))

    A class without a global prototype adds 0. The mean over utterances is ω_ik = |D_ik| / |D_i| of eq. 8;
    1/(P-m), the inverse number of prototypes of other classes, makes λ independent of the number of classes.
    With several centres an embedding is pulled to its class's nearest.

    Args:
        embedding: float32 [n, d], of unit length or means of such. label: int64 [n].
        terms: the pull, the push, or both.
        importance: float32 [classes], weights of the classes; None = 1.
        size: [n], number of utterances whose mean a row is; None = 1.
    """
    distance, own = _distances(embedding, label, prototypes)
    nearest, position = distance.masked_fill(~own, torch.inf).min(dim=-1)
    known = own.any(dim=-1)
    pulled = nearest.masked_fill(~known, 0.0)
    repelled = (prototypes.margin[position][:, None] - distance).clamp_min(0.0) * ~own
    pushed = repelled.sum(dim=-1) / (~own).sum(dim=-1).clamp_min(1)
    loss = (pulled if terms != "push" else 0.0) + (pushed if terms != "pull" else 0.0)
    if importance is not None:
        loss = loss * importance[label]
    size = torch.ones_like(nearest) if size is None else size
    return (loss * known * size).sum() / size.sum().clamp_min(1)


def triplet(embedding: Tensor, label: Tensor, prototypes: Prototypes, margin: float) -> Tensor:
    """The triplet loss of step 6 of Table 1: mean max(0, d(g(x), c^y) - min_{l≠y} d(g(x), c^l) + α).

    As printed, it would apply where the constraint already holds. A class without a global prototype, or
    without one of another class, adds 0.

    Args:
        embedding: float32 [n, d], of unit length. label: int64 [n].
        margin: α.
    """
    distance, own = _distances(embedding, label, prototypes)
    comparable = own.any(dim=-1) & (~own).any(dim=-1)
    positive = distance.masked_fill(~own, torch.inf).amin(dim=-1)
    negative = distance.masked_fill(own, torch.inf).amin(dim=-1)
    violation = (positive - negative + margin)[comparable].clamp_min(0.0)
    return violation.sum() / max(len(label), 1)


def batch_class_means(embedding: Tensor, label: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean embedding [k, d], label [k] and count [k] of each class of a batch."""
    classes, position = torch.unique(label, return_inverse=True)
    member = functional.one_hot(position, len(classes)).to(embedding.dtype)
    size = member.sum(dim=0)
    return member.T @ embedding / size.unsqueeze(-1), classes, size


def _distances(embedding: Tensor, label: Tensor, prototypes: Prototypes) -> tuple[Tensor, Tensor]:
    """Euclidean distances [n, P], and whether the prototype is of the label, bool [n, P]."""
    # The small constant keeps the gradient finite at distance 0.
    squared = ((embedding[:, None] - prototypes.table) ** 2).sum(dim=-1)
    return squared.add(1e-12).sqrt(), label[:, None] == prototypes.label
