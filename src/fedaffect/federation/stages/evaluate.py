"""Clients evaluate models of their own on the shared dev and test parts; they send counts, no predictions."""

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from fedaffect.federation.messages.declarations import Spec
from fedaffect.learning.metrics import BINS, Evaluation
from fedaffect.schema import Schema, Tensors

NAME = "evaluate"
_PARTS = ("confusion", "reliability", "modality_weights")


def declared_updates(schema: Schema, conversations: int) -> dict[str, Spec]:
    """The tensors of an evaluation by both heads: counts, by conversation or summed.

    Args:
        conversations: how many the evaluated part has.
    """
    classes, modalities = len(schema.classes), len(schema.modalities)
    parts = {
        "confusion": Spec((conversations, classes, classes), "int64"),
        "reliability": Spec((BINS, 3), "float64"),
        "modality_weights": Spec((classes, modalities), "float64"),
    }
    return {f"evaluation/{m}/{p}": spec for m in ("head", "prototype") for p, spec in parts.items()}


def as_tensors(evaluations: Mapping[str, Evaluation]) -> Tensors:
    """Evaluations by mode as named tensors, the form in which a client sends them."""
    return {
        f"evaluation/{mode}/{part}": getattr(evaluation, part)
        for mode, evaluation in evaluations.items()
        for part in _PARTS
    }


def from_tensors(tensors: Mapping[str, npt.NDArray[Any]]) -> dict[str, Evaluation]:
    """The inverse of `as_tensors`."""
    modes = sorted({name.split("/")[1] for name in tensors})
    return {m: Evaluation(*(tensors[f"evaluation/{m}/{p}"] for p in _PARTS)) for m in modes}
