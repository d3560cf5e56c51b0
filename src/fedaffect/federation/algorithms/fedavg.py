"""FedAvg (McMahan et al. 2017): clients train the server's model; the server averages by volume."""

from collections.abc import Mapping

from fedaffect.federation.aggregators import Aggregate
from fedaffect.federation.algorithms.base import (
    Algorithm,
    Client,
    Context,
    Spec,
    State,
    model,
    specs,
)
from fedaffect.federation.update import Update
from fedaffect.learning.learner import Fit, Tensors


class FedAvg(Algorithm):
    """w ← Σ n_i w_i / Σ n_i, with n_i the supervised utterances of client i."""

    def initial(self, context: Context) -> State:
        return dict(context.initial)

    def client_round(self, state: State, client: Client, memory: Tensors) -> tuple[Update, Tensors]:
        fit, memory = self.learn(state, client, memory)
        update = Update(
            client.learner.get(),
            weights=self.weights(client, fit),
            scalars={"loss": fit.loss, **fit.parts},
        )
        return update, memory

    def learn(self, state: State, client: Client, memory: Tensors) -> tuple[Fit, Tensors]:
        """Learn from the server's model; the fit, and what the client remembers."""
        return client.learn(model(state), state, memory)

    def weights(self, client: Client, fit: Fit) -> dict[str, float]:
        """How much the update counts, by name prefix."""
        return {"model": client.share.volume}

    def server_round(self, state: State, aggregate: Aggregate, context: Context) -> State:
        return {**state, **aggregate.tensors}

    def model_for(self, state: State, memory: Tensors, context: Context) -> Tensors:
        return model(state)

    def leaves(self, context: Context) -> Mapping[str, Spec]:
        return specs(context.initial)
