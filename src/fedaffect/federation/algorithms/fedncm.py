"""FedNCM (Legate et al. 2023): clients only look; the nearest mean of a class answers."""

from collections.abc import Mapping

import numpy as np

from fedaffect.errors import UserError
from fedaffect.federation.aggregators import Aggregate
from fedaffect.federation.algorithms._prototypes import (
    FUSED,
    PrototypeAlgorithm,
    named,
    path,
    prototypes_of,
)
from fedaffect.federation.algorithms.base import Client, Context, Spec, State, features
from fedaffect.federation.messages.update import Update
from fedaffect.learning.head.softmax_regression import BIAS, WEIGHT
from fedaffect.schema import Tensors

NEVER = np.float32(-1e30)
"""The bias of a class that nobody has sent: finite, and as good as minus infinity."""


class FedNCM(PrototypeAlgorithm):
    """Nothing is trained: a client sends the mean embedding of each class, the server means by count.

    If all clients take part, one round is enough. The model is a linear head: minus the squared
    distance to a mean c is 2 c·z - |c|² but for |z|², which all classes share (Snell et al. 2017, eq. 8).
    """

    unit_embeddings = False
    balances = False

    def initial(self, context: Context) -> State:
        if context.experiment.model.name != "head":
            raise UserError(
                "algorithm fedncm: trains no network; give it a backbone trained before: "
                "--set \"model={name='head', backbone='FILE'}\""
            )
        return {}

    def client_round(self, state: State, client: Client, memory: Tensors) -> tuple[Update, Tensors]:
        client.learner.set({**client.context.initial, **features(state)})
        outputs = client.learner.predict(client.data.conversations)
        found = self.local_prototypes(outputs, client, state)
        update = Update(
            named({k: mean.vector for k, mean in found[FUSED].items()}),
            weights={path(FUSED, k): float(mean.size) for k, mean in found[FUSED].items()},
            scalars=self.within_class(outputs, client, found),
        )
        return update, {}

    def server_round(self, state: State, aggregate: Aggregate, context: Context) -> State:
        return {**state, **aggregate.tensors}  # a class that nobody sent keeps its old mean

    def model_for(self, state: State, memory: Tensors, context: Context) -> Tensors:
        known = prototypes_of(state)
        if not known:
            return context.initial
        weight = np.zeros_like(context.initial[WEIGHT])
        bias = np.full_like(context.initial[BIAS], NEVER)
        for k, mean in known.items():
            weight[k], bias[k] = 2 * mean, -(mean @ mean)
        return {WEIGHT: weight, BIAS: bias}

    def declared_updates(self, context: Context) -> Mapping[str, Spec]:
        return self.prototype_specs(context)
