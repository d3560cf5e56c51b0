"""Optimisers, their state as named arrays, and corrections of gradients."""

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
import torch
from torch.nn import Parameter

from fedaffect.experiment import Training
from fedaffect.learning.learner import GradientCorrection
from fedaffect.schema import Tensors

Named = Mapping[str, Parameter]
"""Parameters by path, as `model/gate/weight`."""


def optimiser_for(
    parameters: Named,
    training: Training,
    learning_rate: float,
    state: Mapping[str, npt.NDArray[Any]] | None,
) -> torch.optim.Optimizer:
    """Adam, or SGD with momentum, with the state of an earlier optimiser if given."""
    optimiser: torch.optim.Optimizer
    if training.optimiser == "adam":
        optimiser = torch.optim.Adam(
            parameters.values(),
            lr=learning_rate,
            weight_decay=training.weight_decay,
            fused=True,
        )
    else:
        optimiser = torch.optim.SGD(
            parameters.values(),
            lr=learning_rate,
            weight_decay=training.weight_decay,
            momentum=training.momentum,
            fused=True,
        )
    for path, array in (state or {}).items():
        name, _, key = path.removeprefix("optimiser/").rpartition("/")
        parameter = parameters.get("model/" + name)
        if parameter is not None:
            optimiser.state[parameter][key] = torch.from_numpy(array.copy()).to(parameter.device)
    return optimiser


def state_of(optimiser: torch.optim.Optimizer, parameters: Named) -> Tensors:
    """The state of an optimiser, named `optimiser/gate/weight/exp_avg`."""
    return {
        f"optimiser/{name.removeprefix('model/')}/{key}": tensor.detach().cpu().numpy().copy()
        for name, parameter in parameters.items()
        for key, tensor in optimiser.state.get(parameter, {}).items()
        if tensor is not None
    }


def drop_zero_gradients(parameters: Named) -> set[str]:
    """Set gradients that are 0 everywhere to None, so that no step is taken where a client has no data.

    Otherwise weight decay would shrink these parameters: Adam makes a full step of any gradient.

    Returns:
        The names of the parameters without a gradient.
    """
    for parameter in parameters.values():
        if parameter.grad is not None and not parameter.grad.any():
            parameter.grad = None
    return {name for name, parameter in parameters.items() if parameter.grad is None}


class GradientCorrector:
    """Adds a `GradientCorrection` to gradients; its arrays are moved to the device once."""

    def __init__(self, correction: GradientCorrection, parameters: Named) -> None:
        self._parameters = parameters
        self._proximal = correction.proximal
        self._anchor = _on_device(correction.anchor, parameters)
        self._linear = _on_device(correction.linear, parameters)

    @torch.no_grad()
    def apply(self) -> None:
        """Correct the gradient of every parameter, also of those without one from the loss."""
        for name, parameter in self._parameters.items():
            added = self._linear.get(name)
            if name in self._anchor and self._proximal:
                drawn = self._proximal * (parameter - self._anchor[name])
                added = drawn if added is None else added + drawn
            if added is None or (parameter.grad is None and not added.any()):
                continue
            parameter.grad = added.clone() if parameter.grad is None else parameter.grad + added


def _on_device(tensors: Tensors, parameters: Named) -> dict[str, torch.Tensor]:
    return {
        name: torch.from_numpy(tensors[name]).to(parameter)
        for name, parameter in parameters.items()
        if name in tensors
    }
