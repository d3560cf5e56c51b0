"""Batches of invented numbers, with padding, and a look inside, for every test of a model."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import nn

from fedaffect.models.base import DialogueBatch

MakeBatch = Callable[..., DialogueBatch]
Spy = Callable[[nn.Module], list[tuple[Any, Any]]]


@pytest.fixture(scope="session")
def make_batch() -> MakeBatch:
    return _make_batch


@pytest.fixture(scope="session")
def spy() -> Spy:
    return _spy


def _spy(module: nn.Module) -> list[tuple[Any, Any]]:
    """What the module is given, all arguments, and what it answers, for every call from now on."""
    calls: list[tuple[Any, Any]] = []
    module.register_forward_hook(lambda _, given, answer: calls.append((given, answer)))
    return calls


def _make_batch(
    lengths: Sequence[int] = (5, 3),
    modalities: Mapping[str, int] | None = None,
    roles: int = 2,
    classes: int = 4,
    padding: int = 0,
    seed: int = 0,
) -> DialogueBatch:
    """Conversations of the given lengths, padded by `padding` rows more than the longest needs.

    The same seed gives the same valid rows whatever the padding, which is large and wrong on purpose.
    """
    random = torch.Generator().manual_seed(seed)
    widths = dict(modalities or {"audio": 3, "text": 4, "visual": 2})
    longest = max(lengths) + padding
    valid = torch.arange(longest) < torch.tensor(lengths).unsqueeze(1)
    features = {m: torch.full((len(lengths), longest, d), 99.0) for m, d in widths.items()}
    role = torch.full(valid.shape, roles)
    label = torch.zeros(valid.shape, dtype=torch.int64)
    for row, length in enumerate(lengths):
        role[row, :length] = torch.randint(roles, (length,), generator=random)
        label[row, :length] = torch.randint(classes, (length,), generator=random)
        for m, width in widths.items():
            features[m][row, :length] = torch.randn(length, width, generator=random)
    return DialogueBatch(features, dict.fromkeys(widths, valid), role, valid, label, valid)
