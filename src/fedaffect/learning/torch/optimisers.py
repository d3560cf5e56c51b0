"""The optimisers that a client learns with, their state as named arrays, and corrected gradients."""

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
    """Adam, or SGD with momentum, that goes on from a `state_of` an earlier one where there is one."""
    made: torch.optim.Optimizer
    if training.optimiser == "adam":
        made = torch.optim.Adam(
            parameters.values(),
            lr=learning_rate,
            weight_decay=training.weight_decay,
            fused=True,
        )
    else:
        made = torch.optim.SGD(
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
            made.state[parameter][key] = torch.from_numpy(array.copy()).to(parameter.device)
    return made


def state_of(optimiser: torch.optim.Optimizer, parameters: Named) -> Tensors:
    """What the optimiser remembers, named `optimiser/gate/weight/exp_avg`."""
    return {
        f"optimiser/{name.removeprefix('model/')}/{key}": tensor.detach().cpu().numpy().copy()
        for name, parameter in parameters.items()
        for key, tensor in optimiser.state.get(parameter, {}).items()
        if tensor is not None
    }


def leave_untouched(parameters: Named) -> set[str]:
    """Let weight decay not wear away what a client has no data for: what gradient is 0 everywhere is none.

    Adam makes a whole step of any gradient, that of the decay included, and the others would average it in.

    Returns:
        their names.
    """
    for parameter in parameters.values():
        if parameter.grad is not None and not parameter.grad.any():
            parameter.grad = None
    return {name for name, parameter in parameters.items() if parameter.grad is None}


class Corrected:
    """Adds a `GradientCorrection` to gradients; made once for a fit, so that its arrays are moved once."""

    def __init__(self, correction: GradientCorrection, parameters: Named) -> None:
        self._parameters = parameters
        self._proximal = correction.proximal
        self._anchor = _on_device(correction.anchor, parameters)
        self._linear = _on_device(correction.linear, parameters)

    @torch.no_grad()
    def apply(self) -> None:
        """To every parameter, whether or not the loss reached it: a slope is the others' gradient too."""
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
