"""Decision fusion: one answer from what several modalities say, each calibrated by itself before.

A rule turns opinions [n, modalities, classes] and the modalities' weights [n, modalities] into one opinion,
and says whose it is. An absent modality weighs 0 and the others share its weight: it is renormalised away.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.schema import Pairing
from fedaffect.errors import UserError
from fedaffect.inference.abstention import UNCERTAIN, decide
from fedaffect.inference.calibration import log_probability, softmax
from fedaffect.inference.modality_predictions import Opinions, Probabilities, normalised
from fedaffect.inference.stacking import Stacking
from fedaffect.schema import Flags, Integers

Floats = npt.NDArray[np.float64]
Answer = tuple[Floats, Floats]
"""Probabilities [n, classes], and the share that each modality has in them [n, modalities]."""

ROUNDING = 1e-9


@dataclass(frozen=True)
class Fused:
    """The joint answer.

    Attributes:
        probability: float64 [n, classes]; uniform where no modality says anything.
        decision: int64 [n], the likeliest class, or `UNCERTAIN`.
        share: by modality float64 [n], its part in the answer; they sum to 1, or to 0 where none says
            anything.
        pairing: whether the modalities were recorded together. Where they are `label-matched` their errors
            are independent by construction, and what fusion gains is no evidence of a gain in life.
    """

    probability: Floats
    decision: Integers
    share: Mapping[str, Floats]
    pairing: Pairing


def vote(opinion: Floats, weight: Floats) -> Answer:
    """The class with most weight behind it; on a tie, the one with the most confident voter.

    Its probabilities are the mean over those who voted for it.
    """
    choice, confidence = opinion.argmax(axis=-1), opinion.max(axis=-1)
    ballot = choice[..., None] == np.arange(opinion.shape[-1])  # [n, modalities, classes]
    votes = (weight[..., None] * ballot).sum(axis=1)
    first = votes >= votes.max(axis=-1, keepdims=True) - ROUNDING
    counted = ballot & (weight > 0)[..., None]
    loudest = np.where(counted, confidence[..., None], 0).max(axis=1)
    winner = np.where(first, loudest, -1).argmax(axis=-1)
    return mean(opinion, weight * (choice == winner[:, None]))


def confidence(opinion: Floats, weight: Floats) -> Answer:
    """The mean weighted, too, by each modality's confidence: its largest probability."""
    return mean(opinion, weight * opinion.max(axis=-1))


def mean(opinion: Floats, weight: Floats) -> Answer:
    """Σ_m w_m p_m (the sum rule of Kittler et al. 1998)."""
    share = normalised(weight)
    return (share[..., None] * opinion).sum(axis=1), share


def product(opinion: Floats, weight: Floats) -> Answer:
    """Π_m p_m^(M w_m), normalised, with M the modalities that say something (Kittler et al. 1998).

    Right where modalities err independently of each other and classes are equally frequent; elsewhere too
    sure of itself.
    """
    power = (weight > 0).sum(axis=-1, keepdims=True) * weight
    return softmax((power[..., None] * log_probability(opinion)).sum(axis=1)), weight


RULES: Mapping[str, Callable[[Floats, Floats], Answer]] = {
    "vote": vote,
    "confidence": confidence,
    "mean": mean,
    "product": product,
}
Rule = Literal["vote", "confidence", "mean", "product"] | Stacking
"""A rule by its name or, where it was learnt on dev, a `Stacking`: the rule `stacked`."""


def fuse(
    probability: Probabilities,
    present: Mapping[str, Flags],
    *,
    rule: Rule,
    pairing: Pairing,
    weights: Mapping[str, float] | None = None,
    threshold: float | Floats = 0.0,
) -> Fused:
    """One answer for each item.

    Args:
        probability: by modality [n, classes].
        present: by modality, bool [n].
        weights: by modality, at least 0; only their proportions count. None = equal. A `Stacking` has learnt
            its own and takes none.
        threshold: the least probability of a decision, for all classes or [classes]; below, `UNCERTAIN`.

    Raises:
        UserError: what `Opinions.of` refuses, or weights that do not fit the modalities.
    """
    opinions = Opinions.of(probability, present)
    if isinstance(rule, Stacking):
        if weights is not None:
            raise UserError("fusion.weights: rule `stacked` has learnt its own; leave them out")
        joint, share = rule.apply(opinions)
    else:
        weight = normalised(opinions.present * _of_modalities(opinions.names, weights))
        joint, share = RULES[rule](opinions.probability, weight)
    silent = share.sum(axis=-1) == 0
    joint = np.where(silent[:, None], 1 / joint.shape[-1], joint)
    decision = np.where(silent, UNCERTAIN, decide(joint, threshold))
    return Fused(joint, decision, dict(zip(opinions.names, share.T, strict=True)), pairing)


def _of_modalities(names: tuple[str, ...], weights: Mapping[str, float] | None) -> Floats:
    """float64 [modalities]"""
    if weights is None:
        return np.ones(len(names))
    if set(weights) != set(names):
        raise UserError(f"fusion.weights: {sorted(weights)}; give one each for {', '.join(names)}")
    weight = np.array([weights[name] for name in names], dtype=np.float64)
    if not (np.isfinite(weight).all() and (weight >= 0).all() and weight.any()):
        raise UserError("fusion.weights: give numbers of at least 0, one of them above it")
    return weight
