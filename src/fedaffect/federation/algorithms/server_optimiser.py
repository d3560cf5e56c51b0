"""FedAvgM (Hsu et al. 2019), FedAdam and FedYogi (Reddi et al. 2021): clients' mean move as a gradient."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from fedaffect.federation.aggregators import Aggregate
from fedaffect.federation.algorithms.base import Context, State, floating
from fedaffect.federation.algorithms.fedavg import FedAvg

Floats = npt.NDArray[np.float64]
FIRST, SECOND = "server/first_moment/", "server/second_moment/"
RATES = {"momentum": 1.0, "adam": 0.01, "yogi": 0.01}


class ServerOptimiser(FedAvg):
    """With Δ = Σ p_i (y_i - w), which FedAvg adds to w, and no bias correction, as in the papers:

    `momentum` (FedAvgM): m ← β₁ m + Δ; w ← w + η m.
    `adam`, `yogi`: m ← β₁ m + (1 - β₁) Δ; w ← w + η m / (√v + τ), where from v = τ² on
    v ← β₂ v + (1 - β₂) Δ² (adam) or v ← v - (1 - β₂) Δ² sign(v - Δ²) (yogi).
    """

    class Settings(FedAvg.Settings):
        rule: Literal["momentum", "adam", "yogi"] = Field(
            "adam", description="FedAvgM, FedAdam or FedYogi"
        )
        server_rate: float = Field(
            0.0, ge=0, description="η; 0 = 1 for momentum, 0.01 for adam and yogi"
        )
        server_momentum: float = Field(0.9, ge=0, lt=1, description="β₁")
        second_moment: float = Field(
            0.99, ge=0, lt=1, description="β₂ of adam and yogi: how much of the old one stays"
        )
        adaptivity: float = Field(
            1e-3, gt=0, description="τ of adam and yogi: the larger, the more like momentum"
        )

    def server_round(self, state: State, aggregate: Aggregate, context: Context) -> State:
        settings = self.settings
        plain, momentum = settings.rule == "momentum", settings.server_momentum
        rate = settings.server_rate or RATES[settings.rule]
        new = dict(aggregate.tensors)
        for name, mean in floating(aggregate.tensors).items():
            delta = mean.astype(np.float64) - state[name]
            first = momentum * _before(state, FIRST + name, 0.0)
            first += delta if plain else (1 - momentum) * delta
            moved = {FIRST + name: first, name: state[name] + rate * first}
            if not plain:
                old = _before(state, SECOND + name, settings.adaptivity**2)
                second = self._second_moment(old, delta**2)
                step = first / (np.sqrt(second) + settings.adaptivity)
                moved |= {SECOND + name: second, name: state[name] + rate * step}
            new |= {n: array.astype(mean.dtype) for n, array in moved.items()}
        return {**state, **new}

    def _second_moment(self, old: Floats, squared: Floats) -> Floats:
        towards = squared - old
        if self.settings.rule == "yogi":
            towards = squared * np.sign(towards)
        moved: Floats = old + (1 - self.settings.second_moment) * towards
        return moved


def _before(state: State, name: str, start: float) -> Floats:
    """float64; `start` before the first round."""
    return np.asarray(state.get(name, start), np.float64)
