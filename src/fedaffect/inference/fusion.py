"""Decision fusion: combine the calibrated predictions of several modalities into one.

A rule takes probabilities [n, modalities, classes] and weights [n, modalities], and returns fused
probabilities and each modality's share in them. Absent modalities have weight 0, the others' sum to 1.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fedaffect.corpus.schema import Pairing
from fedaffect.errors import UserError
from fedaffect.inference.abstention import UNCERTAIN, decide
from fedaffect.inference.calibration import log_probability, softmax
from fedaffect.inference.modality_predictions import ModalityPredictions, Probabilities, normalised
from fedaffect.inference.stacking import Stacking
from fedaffect.schema import Flags, Floats, Integers

FusedProbabilities = tuple[Floats, Floats]
"""Fused probabilities [n, classes], and the share of each modality in them [n, modalities]."""

ROUNDING = 1e-9


@dataclass(frozen=True)
class Fused:
    """Fused predictions of n items.

    Attributes:
        probability: float64 [n, classes]; uniform where every modality is absent or has weight 0.
        decision: int64 [n], the most probable class, or `UNCERTAIN`.
        share: by modality, float64 [n], its part in the fused probabilities; shares sum to 1, or to 0 where
            every modality is absent or has weight 0.
        pairing: whether the modalities were recorded together. The errors of `label-matched` modalities are
            independent by construction, so their gain from fusion says nothing about real recordings.
    """

    probability: Floats
    decision: Integers
    share: Mapping[str, Floats]
    pairing: Pairing


def vote(probability: Floats, weight: Floats) -> FusedProbabilities:
    """Weighted majority vote; of tied classes the one with the most confident vote wins.

    The fused probabilities are the mean over the modalities that voted for it.
    """
    choice, confidence = probability.argmax(axis=-1), probability.max(axis=-1)
    ballot = choice[..., None] == np.arange(probability.shape[-1])  # [n, modalities, classes]
    votes = (weight[..., None] * ballot).sum(axis=1)
    leading = votes >= votes.max(axis=-1, keepdims=True) - ROUNDING
    counted = ballot & (weight > 0)[..., None]
    most_confident = np.where(counted, confidence[..., None], 0).max(axis=1)
    winner = np.where(leading, most_confident, -1).argmax(axis=-1)
    return mean(probability, weight * (choice == winner[:, None]))


def confidence(probability: Floats, weight: Floats) -> FusedProbabilities:
    """The mean with each weight multiplied by the modality's largest probability."""
    return mean(probability, weight * probability.max(axis=-1))


def mean(probability: Floats, weight: Floats) -> FusedProbabilities:
    """Σ_m w_m p_m (the sum rule of Kittler et al. 1998)."""
    share = normalised(weight)
    return (share[..., None] * probability).sum(axis=1), share


def product(probability: Floats, weight: Floats) -> FusedProbabilities:
    """Π_m p_m^(M w_m), normalised, with M the number of modalities of weight > 0 (Kittler et al. 1998).

    Exact for conditionally independent modalities and equally frequent classes, otherwise overconfident.
    """
    power = (weight > 0).sum(axis=-1, keepdims=True) * weight
    return softmax((power[..., None] * log_probability(probability)).sum(axis=1)), weight


RULES: Mapping[str, Callable[[Floats, Floats], FusedProbabilities]] = {
    "vote": vote,
    "confidence": confidence,
    "mean": mean,
    "product": product,
}
Rule = Literal["vote", "confidence", "mean", "product"] | Stacking
"""A rule by name, or a `Stacking` learnt on dev: the rule `stacked`."""


def fuse(
    probability: Probabilities,
    present: Mapping[str, Flags],
    *,
    rule: Rule,
    pairing: Pairing,
    weights: Mapping[str, float] | None = None,
    threshold: float | Floats = 0.0,
) -> Fused:
    """Fuse the predictions of several modalities for n items.

    Args:
        probability: by modality [n, classes].
        present: by modality, bool [n].
        weights: by modality, at least 0; only their ratios count. None = equal. A `Stacking` has its own.
        threshold: the least probability of a decision, one for all classes or [classes]; below it the
            decision is `UNCERTAIN`.

    Raises:
        UserError: as `ModalityPredictions.of`, or weights that do not match the modalities.
    """
    predictions = ModalityPredictions.of(probability, present)
    if isinstance(rule, Stacking):
        if weights is not None:
            raise UserError("fusion.weights: rule `stacked` has its own; leave fusion.weights out")
        fused, share = rule.apply(predictions)
    else:
        weight = normalised(predictions.present * _checked(weights, predictions.names))
        fused, share = RULES[rule](predictions.probability, weight)
    unknown = share.sum(axis=-1) == 0
    fused = np.where(unknown[:, None], 1 / fused.shape[-1], fused)
    decision = np.where(unknown, UNCERTAIN, decide(fused, threshold))
    return Fused(fused, decision, dict(zip(predictions.names, share.T, strict=True)), pairing)


def _checked(weights: Mapping[str, float] | None, names: tuple[str, ...]) -> Floats:
    """The weights as float64 [modalities]; ones if not given."""
    if weights is None:
        return np.ones(len(names))
    if set(weights) != set(names):
        raise UserError(
            f"fusion.weights: {sorted(weights)}; give one a modality: {', '.join(names)}"
        )
    weight = np.array([weights[name] for name in names], dtype=np.float64)
    if not (np.isfinite(weight).all() and (weight >= 0).all() and weight.any()):
        raise UserError("fusion.weights: not all finite and >= 0, or all 0; give such numbers")
    return weight
