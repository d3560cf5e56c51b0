"""Steps down a gradient with numpy: Adam and SGD exactly as torch takes them, for clients without torch."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fedaffect.experiment import Training
from fedaffect.schema import Tensors

BETAS = 0.9, 0.999
EPSILON = 1e-8


class Steps:
    """An optimiser and what it remembers, named as torch's: `optimiser/classify/weight/exp_avg`.

    Both add `weight_decay` times a parameter to its gradient.
    """

    def __init__(
        self,
        training: Training,
        learning_rate: float,
        state: Mapping[str, npt.NDArray[Any]] | None = None,
    ) -> None:
        """`state`: what an earlier one remembered, to go on from."""
        self._training, self._rate = training, learning_rate
        self.state: Tensors = {name: array.copy() for name, array in (state or {}).items()}

    def take(self, name: str, parameter: npt.NDArray[np.float32], gradient: Any) -> None:
        """Move one parameter (`model/...`) by its gradient, in place."""
        gradient = gradient + self._training.weight_decay * parameter
        path = f"optimiser/{name.removeprefix('model/')}"
        if self._training.optimiser == "adam":
            step = self._adam(path, gradient)
        else:
            step = self._with_momentum(f"{path}/momentum_buffer", gradient)
        parameter -= (self._rate * step).astype(np.float32)

    def _adam(self, path: str, gradient: Any) -> Any:
        """Kingma and Ba 2015, algorithm 1: m̂ / (√v̂ + ε)."""
        first, second = BETAS
        mean = self._remembered(f"{path}/exp_avg", gradient)
        square = self._remembered(f"{path}/exp_avg_sq", gradient)
        taken = self._remembered(f"{path}/step", np.zeros((), np.float32))
        mean += (1 - first) * (gradient - mean)
        square += (1 - second) * (gradient**2 - square)
        taken += 1
        corrected = np.sqrt(square / (1 - second ** float(taken)))
        return mean / (1 - first ** float(taken)) / (corrected + EPSILON)

    def _with_momentum(self, path: str, gradient: Any) -> Any:
        if not self._training.momentum:
            return gradient
        moved = self._remembered(path, gradient)  # from 0, so that the first step is the gradient
        moved *= self._training.momentum
        moved += gradient
        return moved

    def _remembered(self, path: str, like: Any) -> Any:
        if path not in self.state:
            self.state[path] = np.zeros(like.shape, np.float32)
        return self.state[path]
