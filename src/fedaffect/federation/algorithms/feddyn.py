"""FedDyn (Acar et al. 2021): regularised so that clients and server end in the same place."""

import numpy as np
from pydantic import Field

from fedaffect.experiment import Section
from fedaffect.federation.aggregators import Aggregate
from fedaffect.federation.algorithms.base import Client, Context, State, floating, model
from fedaffect.federation.algorithms.fedavg import FedAvg
from fedaffect.federation.messages.update import Update
from fedaffect.learning.learner import Fit, GradientCorrection
from fedaffect.schema import Tensors

GRADIENT = "gradient/"
SERVER = "server/gradient/"


class FedDyn(FedAvg):
    """Local: L(y) - ⟨g_i, y⟩ + α/2 · ‖y - w‖², then g_i ← g_i - α (y - w), the gradient of L at its minimum.

    Server, with S of N clients: h ← h - α/N · Σ_S (y - w); w ← mean_S y - h/α. The mean is uniform.
    """

    class Settings(Section):
        alpha: float = Field(
            0.01, ge=0, description="α; the paper tries 0.001 to 0.1; 0 = FedAvg, but uniform"
        )

    def client_round(self, state: State, client: Client, memory: Tensors) -> tuple[Update, Tensors]:
        update, kept = super().client_round(state, client, memory)
        gradient = {
            GRADIENT + name: memory.get(GRADIENT + name, 0)
            - self.settings.alpha * (update.tensors[name] - w)
            for name, w in floating(model(state)).items()
        }
        return update, {**kept, **gradient}

    def learn(self, state: State, client: Client, memory: Tensors) -> tuple[Fit, Tensors]:
        sent = model(state)
        slope = {name: -memory[GRADIENT + name] for name in sent if GRADIENT + name in memory}
        correction = GradientCorrection(sent, self.settings.alpha, slope)
        return client.learn(sent, state, memory, correction=correction)

    def weights(self, client: Client, fit: Fit) -> dict[str, float]:
        return {"model": 1.0}

    def server_round(self, state: State, aggregate: Aggregate, context: Context) -> State:
        alpha, present = self.settings.alpha, aggregate.updates / context.clients
        new = dict(aggregate.tensors)
        for name, array in floating(aggregate.tensors).items():
            mean = array.astype(np.float64)
            h = state.get(SERVER + name, 0) - alpha * present * (mean - state[name])
            new[SERVER + name] = h.astype(array.dtype)
            if alpha:
                new[name] = (mean - h / alpha).astype(array.dtype)
        return {**state, **new}
