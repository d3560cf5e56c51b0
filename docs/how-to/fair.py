"""Fair averaging, after q-FedAvg (Li et al. 2020): clients that still have a high loss count more."""

from pydantic import Field

from fedaffect.federation.algorithms.base import Client
from fedaffect.federation.algorithms.fedavg import FedAvg
from fedaffect.learning.learner import Fit


class Fair(FedAvg):
    """w ← Σ n_i L_i^q w_i / Σ n_i L_i^q, with L_i the loss of client i over its last epoch."""

    class Settings(FedAvg.Settings):
        power: float = Field(1.0, ge=0, description="q; 0 = FedAvg")

    def weights(self, client: Client, fit: Fit) -> dict[str, float]:
        by_volume = super().weights(client, fit)
        return {name: n * fit.loss**self.settings.power for name, n in by_volume.items()}
