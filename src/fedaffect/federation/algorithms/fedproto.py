"""FedProto (Tan et al. 2022): only class prototypes travel; every client keeps its own model."""

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field

from fedaffect.experiment import Section
from fedaffect.federation.aggregators import Aggregate
from fedaffect.federation.algorithms.base import Client, Context, Spec, State, model
from fedaffect.federation.algorithms.prototypes import (
    PREFIX,
    PrototypeAlgorithm,
    as_table,
    named,
    prototypes_of,
)
from fedaffect.federation.update import Update
from fedaffect.learning.learner import ExtraLoss, Tensors
from fedaffect.models.batch import DialogueBatch
from fedaffect.models.prediction import Prediction


class FedProto(PrototypeAlgorithm):
    """Local: L + strength · MSE(embedding, global prototype of its label). Server: mean by class."""

    class Settings(Section):
        strength: float = Field(1.0, ge=0, description="λ; the mean runs over batch and dimension")
        weighting: Literal["count", "uniform"] = Field(
            "count", description="count = the paper's eq. 6; uniform = its released code"
        )

    evaluations = ("local", "prototype")
    unit_embeddings = False

    def initial(self, context: Context) -> State:
        return {}

    def client_round(self, state: State, client: Client, memory: Tensors) -> tuple[Update, Tensors]:
        start = self.model_for(state, memory, client.context)
        fit, optimiser = client.learn(start, state, memory, self._pull(state, client))
        prototypes = self.local_prototypes(client)
        count = self.settings.weighting == "count"
        update = Update(
            named(prototypes),
            weights={f"{PREFIX}/{k}": float(client.counts[k] if count else 1) for k in prototypes},
            scalars={"loss": fit.loss, **fit.parts},
        )
        return update, {**client.learner.get(), **optimiser}

    def server_round(self, state: State, aggregate: Aggregate, context: Context) -> State:
        return {**state, **aggregate.tensors}  # a class that nobody sent keeps its old prototype

    def model_for(self, state: State, memory: Tensors, context: Context) -> Tensors:
        return model(memory) or context.initial

    def leaves(self, context: Context) -> Mapping[str, Spec]:
        return self.prototype_specs(context)

    def _pull(self, state: State, client: Client) -> ExtraLoss | None:
        prototypes = prototypes_of(state)
        if not prototypes or not self.settings.strength:
            return None

        def loss(prediction: Prediction, batch: DialogueBatch) -> torch.Tensor:
            rows = batch.supervised
            embedding, label = prediction.embedding[rows], batch.label[rows]
            table, known = as_table(prototypes, len(client.context.classes), embedding.device)
            strength: float = self.settings.strength
            return strength * pull(embedding, label, table, known)

        return loss


def pull(
    embedding: torch.Tensor, label: torch.Tensor, table: torch.Tensor, known: torch.Tensor
) -> torch.Tensor:
    """FedProto's regulariser: mean squared error to the label's prototype.

    Args:
        embedding: float32 [n, d]. label: int64 [n].
        table: float32 [classes, d]. known: bool [classes]; rows of unknown classes add 0.
    """
    squared = ((embedding - table[label]) ** 2).mean(dim=-1)
    mean: torch.Tensor = (squared * known[label]).sum() / max(len(label), 1)
    return mean
