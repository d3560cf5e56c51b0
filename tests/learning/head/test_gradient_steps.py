"""numpy's steps are torch's."""

import numpy as np
import pytest
import torch

from fedaffect.experiment import Training
from fedaffect.learning.head.gradient_steps import NumpyOptimiser
from fedaffect.learning.torch.optimisers import optimiser_for, state_of

NAME = "model/classify/weight"
SETTINGS = [
    {"weight_decay": 0.0},
    {"weight_decay": 0.1},
    {"optimiser": "sgd", "weight_decay": 0.1},
    {"optimiser": "sgd", "momentum": 0.9},
]


def gradients(steps=5):
    random = np.random.default_rng(0)
    return [random.normal(size=(2, 3)).astype(np.float32) for _ in range(steps)]


def torchs(training, state=None, given=None):
    """torch's parameter after the gradients, and its optimiser's state."""
    parameter = torch.nn.Parameter(torch.ones(2, 3))
    optimiser = optimiser_for({NAME: parameter}, training, 0.01, state)
    for gradient in given or gradients():
        parameter.grad = torch.from_numpy(gradient)
        optimiser.step()
    return parameter.detach().numpy(), state_of(optimiser, {NAME: parameter})


def numpys(training, state=None, given=None):
    parameter = np.ones((2, 3), np.float32)
    steps = NumpyOptimiser(training, 0.01, state)
    for gradient in given or gradients():
        steps.step(NAME, parameter, gradient)
    return parameter, steps.state


@pytest.mark.parametrize("settings", SETTINGS)
def test_steps_and_state_are_those_of_torch(settings):
    training = Training(**settings)
    (expected, remembered), (found, state) = torchs(training), numpys(training)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert {n: (a.shape, a.dtype) for n, a in state.items()} == {
        n: (a.shape, a.dtype) for n, a in remembered.items()
    }
    for name, array in remembered.items():
        np.testing.assert_allclose(state[name], array, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("settings", SETTINGS)
def test_it_goes_on_from_what_torch_remembered(settings):
    training = Training(**settings)
    _, remembered = torchs(training)
    more = gradients(8)[5:]
    np.testing.assert_allclose(
        numpys(training, remembered, more)[0], torchs(training, remembered, more)[0], rtol=1e-5
    )


def test_the_state_it_was_given_is_left_alone():
    training = Training()
    _, remembered = numpys(training)
    before = {name: array.copy() for name, array in remembered.items()}
    numpys(training, remembered)
    for name, array in before.items():
        np.testing.assert_array_equal(remembered[name], array)


def test_the_first_adam_step_by_hand():
    """Without decay it is the learning rate in the gradient's direction, whatever its size."""
    parameter = np.zeros(2, np.float32)
    NumpyOptimiser(Training(weight_decay=0.0), 0.5).step(
        NAME, parameter, np.array([3.0, -0.01], np.float32)
    )
    np.testing.assert_allclose(parameter, [-0.5, 0.5], rtol=1e-5)
