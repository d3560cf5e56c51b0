"""Softmax regression in numpy: probabilities, and the loss with its gradient."""

import numpy as np
import numpy.typing as npt

from fedaffect.learning.label_balance import LabelBalance

WEIGHT, BIAS = "model/classify/weight", "model/classify/bias"
"""Names of a head's tensors."""

Floats = npt.NDArray[np.float32]


def log_probabilities(z: Floats, weight: Floats, bias: Floats) -> Floats:
    """log softmax(W z + b), float32 [n, C].

    Args:
        z: float32 [n, d].
        weight: float32 [C, d].
        bias: float32 [C].
    """
    logits = z @ weight.T + bias
    shifted = logits - logits.max(axis=1, keepdims=True)
    log: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return log


def loss_and_gradient(
    z: Floats,
    label: npt.NDArray[np.int64],
    weight: Floats,
    bias: Floats,
    label_balance: LabelBalance,
    label_smoothing: float = 0.0,
) -> tuple[float, Floats, Floats]:
    """Loss Σ w_y (-Σ_c t_c log p_c) / Σ w_y and its gradients by W and b; all 0 without items.

    p = softmax(W z + b + shift); target t = (1 - ε) onehot(y) + ε softmax(shift), as in
    `objectives.weighted_cross_entropy`.

    Args:
        z: float32 [n, d].
        label: int64 [n].
        label_balance: w and the shift.
        label_smoothing: ε.
    """
    if not len(z):
        return 0.0, np.zeros_like(weight), np.zeros_like(bias)
    log_probability = log_probabilities(z, weight, bias + label_balance.shift.astype(np.float32))
    prior = np.exp(label_balance.shift)
    target = np.tile(label_smoothing * prior / prior.sum(), (len(label), 1))
    target[np.arange(len(label)), label] += 1 - label_smoothing
    target = target.astype(np.float32)
    item_weight = (label_balance.weight[label] / label_balance.weight[label].sum()).astype(
        np.float32
    )
    error = item_weight[:, None] * (np.exp(log_probability) - target)
    loss = -float(item_weight @ (target * log_probability).sum(axis=1))
    return loss, error.T @ z, error.sum(axis=0)
