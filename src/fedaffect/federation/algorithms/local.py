"""Local learning: every client by itself. The bound from below."""

from collections.abc import Mapping

from fedaffect.federation.aggregators import Aggregate
from fedaffect.federation.algorithms.base import Algorithm, Client, Context, Spec, State, model
from fedaffect.federation.messages.update import Update
from fedaffect.schema import Tensors


class Local(Algorithm):
    """Models never mix and never leave; only a client's loss and volume are reported."""

    evaluations = ("local",)

    def initial(self, context: Context) -> State:
        return {}

    def client_round(self, state: State, client: Client, memory: Tensors) -> tuple[Update, Tensors]:
        start = self.model_for(state, memory, client.context)
        fit, optimiser = client.learn(start, state, memory)
        update = Update(scalars={"loss": fit.loss, **fit.parts})
        return update, {**client.learner.get(), **optimiser}

    def server_round(self, state: State, aggregate: Aggregate, context: Context) -> State:
        return state

    def model_for(self, state: State, memory: Tensors, context: Context) -> Tensors:
        return model(memory) or context.initial

    def declared_updates(self, context: Context) -> Mapping[str, Spec]:
        return {}
