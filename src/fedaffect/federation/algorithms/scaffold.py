"""SCAFFOLD (Karimireddy et al. 2020): gradients corrected by how a client's own differ from all clients'."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from fedaffect.errors import UserError
from fedaffect.experiment import Section
from fedaffect.federation.aggregators import Aggregate
from fedaffect.federation.algorithms.base import (
    Client,
    Context,
    Spec,
    State,
    floating,
    model,
    specs,
    with_prefix,
)
from fedaffect.federation.algorithms.fedavg import FedAvg
from fedaffect.federation.messages.update import Update
from fedaffect.learning.learner import GradientCorrection
from fedaffect.schema import Tensors

VARIATE = "variate"


class Scaffold(FedAvg):
    """Local, τ steps: y ← y - η (g - c_i + c); then c_i ← c_i - c + (w - y) / (τη), option II of the paper.

    Server, with S of N clients: w ← w + server_rate · mean(y - w), c ← c + |S|/N · mean(change of c_i).
    Means are uniform. Where a client has no data for a parameter, its gradient and so its c_i are 0, and
    the parameter moves along c alone.
    """

    class Settings(Section):
        server_rate: float = Field(1.0, gt=0, description="η_g, of the server's step to the mean")

    def initial(self, context: Context) -> State:
        training = context.experiment.training
        if training.optimiser != "sgd" or training.momentum:
            given = "adam" if training.optimiser == "adam" else "sgd with momentum"
            raise UserError(
                f"training.optimiser: scaffold reads a mean gradient off (w - y) / (steps · learning_rate), "
                f"which {given} does not leave there; set training.optimiser=sgd and training.momentum=0"
            )
        return super().initial(context)

    def client_round(self, state: State, client: Client, memory: Tensors) -> tuple[Update, Tensors]:
        sent, common, own = model(state), _variates(state), _variates(memory)
        slope = {name: c - own.get(name, 0) for name, c in common.items()}
        fit, _ = client.learn(sent, state, memory, correction=GradientCorrection(linear=slope))
        learnt = client.learner.get()
        rate = client.context.learning_rate
        change = {
            name: (w - learnt[name]) / (fit.steps * rate) - common.get(name, 0)
            for name, w in floating(sent).items()
        }
        update = Update(
            {**learnt, **_named(change)},
            weights={"model": 1.0, VARIATE: 1.0},
            scalars={"loss": fit.loss, **fit.parts},
        )
        return update, _named({name: own.get(name, 0) + d for name, d in change.items()})

    def server_round(self, state: State, aggregate: Aggregate, context: Context) -> State:
        rate, present = self.settings.server_rate, aggregate.updates / context.clients
        new = {}
        for name, mean in aggregate.tensors.items():
            old = np.asarray(state.get(name, 0), np.float64)
            kept, added = (1.0, present) if name.startswith(VARIATE) else (1 - rate, rate)
            new[name] = (kept * old + added * mean.astype(np.float64)).astype(mean.dtype)
        return {**state, **new}

    def declared_updates(self, context: Context) -> Mapping[str, Spec]:
        return specs({**context.initial, **_named(floating(context.initial))})

    def measures(self, state: State, context: Context) -> dict[str, float]:
        """`variate`: the length of c."""
        squared = sum(
            float(np.square(c, dtype=np.float64).sum()) for c in _variates(state).values()
        )
        return {VARIATE: float(np.sqrt(squared))}


def _variates(tensors: Tensors) -> Tensors:
    """The variates among named tensors (none before round 1: they are 0), by the name of their parameter."""
    found = with_prefix(tensors, VARIATE)
    return {f"model/{name.removeprefix(VARIATE + '/')}": c for name, c in found.items()}


def _named(variates: Mapping[str, npt.NDArray[Any]]) -> Tensors:
    """Variates under the names by which they travel."""
    return {f"{VARIATE}/{name.removeprefix('model/')}": c for name, c in variates.items()}
