"""FedProto (Tan et al. 2022): only class prototypes travel; every client keeps its own model."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from fedaffect.experiment import Section
from fedaffect.federation.aggregators import Aggregate
from fedaffect.federation.algorithms._prototypes import (
    FUSED,
    Local,
    PrototypeAlgorithm,
    modality_weights,
    named,
    path,
    prototypes_of,
)
from fedaffect.federation.algorithms.base import Client, Context, Spec, State, model
from fedaffect.federation.messages.update import Update
from fedaffect.learning.learner import ExtraLoss
from fedaffect.schema import Tensors

if TYPE_CHECKING:
    from torch import Tensor

    from fedaffect.models.base import DialogueBatch, Prediction


class FedProto(PrototypeAlgorithm):
    """Local: L + lambda_ · MSE(embedding, global prototype of its label). Server: mean by class."""

    class Settings(Section):
        lambda_: float = Field(1.0, ge=0, description="λ; the mean runs over batch and dimension")
        weighting: Literal["count", "uniform"] = Field(
            "count", description="count = the paper's eq. 6; uniform = its released code"
        )

    evaluations = ("local", "prototype")
    unit_embeddings = False

    def initial(self, context: Context) -> State:
        return {}

    def client_round(self, state: State, client: Client, memory: Tensors) -> tuple[Update, Tensors]:
        start = self.model_for(state, memory, client.context)
        fit, optimiser = client.learn(start, state, memory, self._pull(state))
        outputs = client.learner.predict(client.data.conversations)
        found = self.local_prototypes(outputs, client, state)
        own, within = found[FUSED], self.within_class(outputs, client, found)
        update = Update(
            named({k: mean.vector for k, mean in own.items()}),
            weights={path(FUSED, k): self.weight(mean) for k, mean in own.items()},
            scalars={
                "loss": fit.loss,
                **fit.parts,
                **within,
                **modality_weights(outputs, client),
            },
        )
        return update, {**client.learner.get(), **optimiser}

    def server_round(self, state: State, aggregate: Aggregate, context: Context) -> State:
        return {**state, **aggregate.tensors}  # a class that nobody sent keeps its old prototype

    def model_for(self, state: State, memory: Tensors, context: Context) -> Tensors:
        return model(memory) or context.initial

    def declared_updates(self, context: Context) -> Mapping[str, Spec]:
        return self.prototype_specs(context)

    def weight(self, own: Local) -> float:
        """How much a client's prototype counts in the global one."""
        return float(own.size if self.settings.weighting == "count" else 1)

    def _pull(self, state: State) -> ExtraLoss | None:
        known = prototypes_of(state)
        if not known or not self.settings.lambda_:
            return None

        def loss(prediction: "Prediction", batch: "DialogueBatch", _item: "Tensor") -> "Tensor":
            from fedaffect.learning.torch.prototype_objectives import (  # needs torch
                Prototypes,
                pull,
            )

            rows = batch.supervised
            prototypes = Prototypes.of(known, {}, self.centres, rows.device)
            lambda_: float = self.settings.lambda_
            return lambda_ * pull(prediction.embedding[rows], batch.label[rows], prototypes)

        return loss
