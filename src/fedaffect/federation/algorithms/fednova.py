"""FedNova (Wang et al. 2020): clients that take more steps do not count for more."""

from collections.abc import Mapping

import numpy as np

from fedaffect.experiment import Section
from fedaffect.federation.aggregators import Aggregate
from fedaffect.federation.algorithms.base import Client, Context, Spec, State, specs
from fedaffect.federation.algorithms.fedavg import FedAvg
from fedaffect.federation.messages.update import Update
from fedaffect.schema import Tensors

NORMALISER = "normaliser"
VELOCITY = "velocity"


class FedNova(FedAvg):
    """w ← w + τ Σ p_i (y_i - w) / ‖a_i‖₁ with τ = Σ p_i ‖a_i‖₁ and p_i by volume.

    ‖a_i‖₁ is how many gradients y_i - w is worth: the steps, and more with momentum; with Adam the steps
    too, an accepted heuristic. With m the mean of y_i by n_i / ‖a_i‖₁ the rule is
    w ← w + (m - w) · Σ p_i ‖a_i‖₁ · Σ p_i / ‖a_i‖₁, and needs only sums.
    """

    class Settings(Section):
        """None, not even `blockwise`: τ is of all clients, whatever tensor they own."""

    def client_round(self, state: State, client: Client, memory: Tensors) -> tuple[Update, Tensors]:
        fit, kept = self.learn(state, client, memory)
        training = client.context.experiment.training
        momentum = training.momentum if training.optimiser == "sgd" else 0.0
        before = float(memory[VELOCITY][0]) if VELOCITY in memory else 0.0
        gradients, velocity = gradients_in(fit.steps, momentum, before)
        update = Update(
            {**client.learner.get(), NORMALISER: np.array([gradients, 1 / gradients])},
            weights={"model": client.data.volume / gradients, NORMALISER: client.data.volume},
            scalars={"loss": fit.loss, **fit.parts, NORMALISER: gradients},
        )
        return update, {**kept, VELOCITY: np.array([velocity])} if kept else {}

    def server_round(self, state: State, aggregate: Aggregate, context: Context) -> State:
        gradients, inverse = aggregate.tensors[NORMALISER]
        rate = float(gradients * inverse)  # 1 where all take equally many steps, otherwise above
        new = {
            name: ((1 - rate) * state[name] + rate * mean.astype(np.float64)).astype(mean.dtype)
            for name, mean in aggregate.tensors.items()
            if name != NORMALISER
        }
        return {**state, **new}

    def declared_updates(self, context: Context) -> Mapping[str, Spec]:
        return {**specs(context.initial), NORMALISER: Spec((2,), "float64")}


def gradients_in(steps: int, momentum: float, velocity: float = 0.0) -> tuple[float, float]:
    """‖a‖₁: how many gradients so many steps of SGD add up to; and how many its velocity then holds.

    From rest it is the paper's (τ - ρ (1 - ρ^τ) / (1 - ρ)) / (1 - ρ).

    Args:
        velocity: how many it held before; 0 unless the optimiser's state was kept.
    """
    total = 0.0
    for _ in range(steps):
        velocity = momentum * velocity + 1
        total += velocity
    return total, velocity
