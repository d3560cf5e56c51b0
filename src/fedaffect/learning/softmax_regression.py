"""Softmax regression with numpy: probabilities, and the loss with its gradient."""

from typing import Any

import numpy as np
import numpy.typing as npt

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
    found: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return found


def loss_and_gradient(
    z: Floats,
    label: npt.NDArray[np.int64],
    weight: Floats,
    bias: Floats,
    class_weights: npt.NDArray[Any],
    label_smoothing: float = 0.0,
) -> tuple[float, Floats, Floats]:
    """Σ w_y (-Σ_c t_c log p_c) / Σ w_y, and its gradients by W and b; all 0 without items.

    The target t is 1 - ε at the label y and ε / C more everywhere, as in `weighted_cross_entropy` of
    `objectives`.

    Args:
        z: float32 [n, d].
        label: int64 [n].
        class_weights: w, [C], positive.
        label_smoothing: ε.
    """
    if not len(z):
        return 0.0, np.zeros_like(weight), np.zeros_like(bias)
    log_probability = log_probabilities(z, weight, bias)
    classes = len(bias)
    target = np.full(log_probability.shape, label_smoothing / classes, np.float32)
    target[np.arange(len(label)), label] += 1 - label_smoothing
    share = (class_weights[label] / class_weights[label].sum()).astype(np.float32)
    error = share[:, None] * (np.exp(log_probability) - target)
    loss = -float(share @ (target * log_probability).sum(axis=1))
    return loss, error.T @ z, error.sum(axis=0)
