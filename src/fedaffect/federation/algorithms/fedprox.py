"""FedProx (Li et al. 2020): FedAvg whose clients are held near the server's model."""

from pydantic import Field

from fedaffect.federation.algorithms.base import Client, State, model
from fedaffect.federation.algorithms.fedavg import FedAvg
from fedaffect.learning.learner import Fit, GradientCorrection
from fedaffect.schema import Tensors


class FedProx(FedAvg):
    """Local: L(y) + mu/2 · ‖y - w‖², w the server's model (eq. 2)."""

    class Settings(FedAvg.Settings):
        mu: float = Field(0.1, ge=0, description="μ; the paper tries 0.001 to 1; 0 = FedAvg")

    def learn(self, state: State, client: Client, memory: Tensors) -> tuple[Fit, Tensors]:
        sent = model(state)
        held = GradientCorrection(anchor=sent, proximal=self.settings.mu)
        return client.learn(sent, state, memory, correction=held)
