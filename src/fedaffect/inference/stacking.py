"""Learnt decision fusion: multinomial logistic regression on the calibrated predictions of modalities."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from fedaffect.errors import UserError
from fedaffect.inference.calibration import log_probability, softmax
from fedaffect.inference.modality_predictions import ModalityPredictions, Probabilities, normalised
from fedaffect.schema import Flags, Floats, Integers

NEWTON_STEPS = 50
HALVINGS = 30
CONVERGED = 1e-8
ALMOST_NOTHING = 1e-9
"""Added to each present modality's evidence, so that shares are equal where all evidence is 0."""


@dataclass(frozen=True)
class Stacking:
    """softmax(bias + Σ_m W_m x_m), with x_m the log-probabilities of modality m less their mean.

    An absent modality has x_m = 0. With W_m the identity and bias 0 this is the product rule, towards which
    the fit is regularised (stacked generalisation: Wolpert 1992).

    Attributes:
        weight: W by modality, float64 [classes, classes].
        bias: float64 [classes].
    """

    weight: Mapping[str, Floats]
    bias: Floats

    @classmethod
    def fit(
        cls,
        probability: Probabilities,
        present: Mapping[str, Flags],
        label: Integers,
        strength: float = 1.0,
    ) -> Self:
        """Minimise Σ_i -log p_i,label + strength / 2 (Σ_m |W_m - I|² + |bias|²) with Newton's method.

        Args:
            probability: by modality [n, classes], calibrated, of dev.
            present: by modality, bool [n].
            label: int64 [n], without unlabelled items.
            strength: of the regularisation, above 0.

        Raises:
            UserError: as `ModalityPredictions.of`; no item; or a strength that is not positive.
        """
        if not len(label):
            raise UserError("fusion: rule `stacked` has no labelled item on dev; use another rule")
        if not 0 < strength < np.inf:
            raise UserError(f"fusion.strength: {strength}; give a positive number")
        predictions = ModalityPredictions.of(probability, present)
        count, modalities, classes = predictions.probability.shape
        evidence = _evidence(predictions).reshape(count, modalities * classes)
        inputs = np.concatenate([evidence, np.ones((count, 1))], axis=1)
        start = np.concatenate([*[np.eye(classes)] * modalities, np.zeros((1, classes))])
        found = _fitted(inputs, np.eye(classes)[label], start, strength)
        blocks = found[:-1].reshape(modalities, classes, classes)
        return cls(dict(zip(predictions.names, blocks, strict=True)), found[-1])

    def apply(self, predictions: ModalityPredictions) -> tuple[Floats, Floats]:
        """Fused probabilities [n, classes], and each modality's share of the evidence [n, modalities].

        Raises:
            UserError: other modalities or classes than in the fit.
        """
        classes = predictions.probability.shape[-1]
        if set(predictions.names) != set(self.weight) or classes != len(self.bias):
            raise UserError(
                f"fusion: rule `stacked` was fitted on {', '.join(self.weight)} and {len(self.bias)} "
                f"classes, not on {', '.join(predictions.names)} and {classes}; fit it again"
            )
        matrix = np.stack([self.weight[name] for name in predictions.names])
        evidence = np.einsum("nmk,mkj->nmj", _evidence(predictions), matrix)
        size = np.abs(evidence - evidence.mean(axis=-1, keepdims=True)).sum(axis=-1)
        return softmax(self.bias + evidence.sum(axis=1)), normalised(
            predictions.present * (size + ALMOST_NOTHING)
        )


def _evidence(predictions: ModalityPredictions) -> Floats:
    """x, float64 [n, modalities, classes]: log-probabilities less their mean; 0 where absent."""
    log = log_probability(predictions.probability)
    centred: Floats = log - log.mean(axis=-1, keepdims=True)
    return centred


def _fitted(inputs: Floats, target: Floats, start: Floats, strength: float) -> Floats:
    """Parameters [inputs, classes] of softmax regression with a ridge penalty around `start`.

    The objective is strictly convex; Newton steps, halved until the objective falls, converge to its minimum.
    """
    found, value = start, _objective(inputs, target, start, start, strength)
    for _ in range(NEWTON_STEPS):
        p = softmax(inputs @ found)
        slope = inputs.T @ (p - target) + strength * (found - start)
        if np.abs(slope).max() < CONVERGED * len(inputs):
            break
        step = np.linalg.solve(_curvature(inputs, p, strength), slope.ravel()).reshape(slope.shape)
        for _ in range(HALVINGS):
            lower = _objective(inputs, target, found - step, start, strength)
            if lower < value:
                found, value = found - step, lower
                break
            step = step / 2
        else:  # no lower value within rounding
            break
    return found


def _objective(
    inputs: Floats, target: Floats, found: Floats, start: Floats, strength: float
) -> float:
    score = inputs @ found
    top = score.max(axis=1)
    log_sum = np.log(np.exp(score - top[:, None]).sum(axis=1)) + top
    ridge = strength / 2 * ((found - start) ** 2).sum()
    return float((log_sum - (target * score).sum(axis=1)).sum() + ridge)


def _curvature(inputs: Floats, p: Floats, strength: float) -> Floats:
    """The Hessian [inputs · classes, inputs · classes] in the order of the flattened parameters."""
    width, classes = inputs.shape[1], p.shape[1]
    curvature = np.zeros((width, classes, width, classes))
    for j in range(classes):
        for k in range(classes):
            twice = p[:, j] * ((j == k) - p[:, k])
            curvature[:, j, :, k] = (inputs * twice[:, None]).T @ inputs
    flat: Floats = curvature.reshape(width * classes, width * classes)
    return flat + strength * np.eye(len(flat))
