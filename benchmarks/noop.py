"""A federation that learns nothing: what is left is what a round itself costs.

PYTHONPATH=benchmarks fedaffect run noop.toml --set algorithm.name=noop:NoOp --set model.name=noop:Idle
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from fedaffect.experiment import Section
from fedaffect.federation.algorithms.base import Client, State, model
from fedaffect.federation.algorithms.fedavg import FedAvg
from fedaffect.federation.messages.update import Update
from fedaffect.models.base import DialogueBatch, Prediction
from fedaffect.schema import Tensors

TENSORS, SIZE = 10, 10_000


class NoOp(FedAvg):
    """FedAvg whose clients send back what they received."""

    def client_round(self, state: State, client: Client, memory: Tensors) -> tuple[Update, Tensors]:
        update = Update(model(state), weights={"model": client.share.volume}, scalars={"loss": 0.0})
        return update, {}


class Idle(nn.Module):
    """100,000 parameters that nothing reads; every class is as likely as any other."""

    class Settings(Section):
        """It has none."""

    def __init__(
        self, settings: Settings, *, modalities: Mapping[str, int], roles: int, classes: int
    ) -> None:
        super().__init__()
        self.modalities, self.classes = tuple(modalities), classes
        self.tensor = nn.ParameterList(torch.randn(SIZE) for _ in range(TENSORS))

    def forward(self, batch: DialogueBatch) -> Prediction:
        def zeros(size: int) -> Tensor:
            return torch.zeros(*batch.valid.shape, size, device=batch.valid.device)

        return Prediction(
            logits=zeros(self.classes),
            students={m: zeros(self.classes) for m in self.modalities},
            embedding=zeros(1),
            embedding_by_modality={m: zeros(1) for m in self.modalities},
            modality_weights=zeros(len(self.modalities)) + 1 / len(self.modalities),
        )
