"""Softmax regression with numpy: worked by hand, by finite differences, and beside torch's objective."""

import numpy as np
import pytest
import torch

from fedaffect.learning.head.softmax_regression import log_probabilities, loss_and_gradient
from fedaffect.learning.label_balance import LabelBalance
from fedaffect.learning.torch.objectives import weighted_cross_entropy


def example(seed=0, items=5, dim=3, classes=4):
    random = np.random.default_rng(seed)
    z = random.normal(size=(items, dim)).astype(np.float32)
    weight = random.normal(size=(classes, dim)).astype(np.float32)
    bias = random.normal(size=classes).astype(np.float32)
    label_balance = LabelBalance(random.random(classes) + 0.5, random.normal(size=classes))
    return z, random.integers(0, classes, items), weight, bias, label_balance


def test_by_hand():
    """From nothing every class is as likely, and the gradient is p - t times z."""
    z, zero = np.array([[1.0, 2.0]], np.float32), np.zeros((2, 2), np.float32)
    label_balance = LabelBalance(np.array([1.0, 3.0]), np.zeros(2))
    loss, of_weight, of_bias = loss_and_gradient(z, np.array([1]), zero, zero[0], label_balance)
    assert loss == pytest.approx(np.log(2))
    np.testing.assert_allclose(of_weight, [[0.5, 1.0], [-0.5, -1.0]])
    np.testing.assert_allclose(of_bias, [0.5, -0.5])


def test_large_logits_stay_finite():
    z, weight = np.array([[1e4]], np.float32), np.array([[1.0], [-1.0]], np.float32)
    found = log_probabilities(z, weight, np.zeros(2, np.float32))
    np.testing.assert_array_equal(found, [[0, -2e4]])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_objective_and_gradient_are_those_of_torch(smoothing):
    z, label, weight, bias, label_balance = example()
    loss, of_weight, of_bias = loss_and_gradient(z, label, weight, bias, label_balance, smoothing)
    w, b = (torch.from_numpy(a).requires_grad_() for a in (weight, bias))
    everywhere = torch.ones(len(z), dtype=torch.bool)
    expected = weighted_cross_entropy(
        torch.from_numpy(z) @ w.T + b,
        torch.from_numpy(label),
        everywhere,
        torch.from_numpy(label_balance.weight).float(),
        smoothing,
        shift=torch.from_numpy(label_balance.shift).float(),
    )
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    np.testing.assert_allclose(of_weight, w.grad, atol=1e-6)
    np.testing.assert_allclose(of_bias, b.grad, atol=1e-6)


def test_the_gradient_is_the_slope():
    z, label, weight, bias, label_balance = example()

    def loss(at):
        return loss_and_gradient(z, label, at, bias, label_balance, 0.1)[0]

    _, gradient, _ = loss_and_gradient(z, label, weight, bias, label_balance, 0.1)
    for place in np.ndindex(weight.shape):
        step = np.zeros_like(weight)
        step[place] = 1e-2
        slope = (loss(weight + step) - loss(weight - step)) / 2e-2
        assert slope == pytest.approx(gradient[place], abs=1e-3)


def test_nothing_to_learn_from_has_no_gradient():
    z, label, weight, bias, label_balance = example(items=0)
    loss, of_weight, of_bias = loss_and_gradient(z, label, weight, bias, label_balance)
    assert loss == 0
    assert not of_weight.any()
    assert not of_bias.any()
