"""Adam and SGD in numpy with torch's results, for clients without torch."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fedaffect.experiment import Training
from fedaffect.schema import Tensors

BETAS = 0.9, 0.999
EPSILON = 1e-8


class NumpyOptimiser:
    """Adam or SGD with weight decay; its state is named as torch's, `optimiser/classify/weight/exp_avg`."""

    def __init__(
        self,
        training: Training,
        learning_rate: float,
        state: Mapping[str, npt.NDArray[Any]] | None = None,
    ) -> None:
        """`state`: that of an earlier optimiser; None = a fresh one."""
        self._training, self._rate = training, learning_rate
        self.state: Tensors = {name: array.copy() for name, array in (state or {}).items()}

    def step(self, name: str, parameter: npt.NDArray[np.float32], gradient: Any) -> None:
        """Update one parameter (`model/...`) in place by its gradient."""
        gradient = gradient + self._training.weight_decay * parameter
        path = f"optimiser/{name.removeprefix('model/')}"
        if self._training.optimiser == "adam":
            direction = self._adam(path, gradient)
        else:
            direction = self._with_momentum(f"{path}/momentum_buffer", gradient)
        parameter -= (self._rate * direction).astype(np.float32)

    def _adam(self, path: str, gradient: Any) -> Any:
        """Kingma and Ba 2015, algorithm 1: m̂ / (√v̂ + ε)."""
        first, second = BETAS
        mean = self._stored(f"{path}/exp_avg", gradient)
        square = self._stored(f"{path}/exp_avg_sq", gradient)
        steps = self._stored(f"{path}/step", np.zeros((), np.float32))
        mean += (1 - first) * (gradient - mean)
        square += (1 - second) * (gradient**2 - square)
        steps += 1
        corrected = np.sqrt(square / (1 - second ** float(steps)))
        return mean / (1 - first ** float(steps)) / (corrected + EPSILON)

    def _with_momentum(self, path: str, gradient: Any) -> Any:
        if not self._training.momentum:
            return gradient
        velocity = self._stored(path, gradient)  # initially 0: the first step is the gradient
        velocity *= self._training.momentum
        velocity += gradient
        return velocity

    def _stored(self, path: str, like: Any) -> Any:
        if path not in self.state:
            self.state[path] = np.zeros(like.shape, np.float32)
        return self.state[path]
