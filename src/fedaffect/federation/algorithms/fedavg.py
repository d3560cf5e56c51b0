"""FedAvg (McMahan et al. 2017): clients train the server's model; the server averages by volume."""

from collections.abc import Mapping

from pydantic import Field

from fedaffect.experiment import Section
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
from fedaffect.federation.messages.update import Update
from fedaffect.learning.learner import Fit
from fedaffect.schema import Tensors


class FedAvg(Algorithm):
    """w ← Σ n_i w_i / Σ n_i, with n_i the supervised utterances of client i.

    With `blockwise` the sums of a tensor are over the clients whose data reached it; where there is none
    it stays as it was.
    """

    class Settings(Section):
        blockwise: bool = Field(
            False,
            description="a tensor is averaged over the clients whose data reached it: a client that lacks "
            "a modality does not count for its encoder",
        )

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
        # An algorithm derived from this one may have settings without it.
        blockwise = getattr(self.settings, "blockwise", False)
        absent = fit.untouched if blockwise else ()
        return {"model": client.data.volume, **dict.fromkeys(absent, 0.0)}

    def server_round(self, state: State, aggregate: Aggregate, context: Context) -> State:
        return {**state, **aggregate.tensors}

    def model_for(self, state: State, memory: Tensors, context: Context) -> Tensors:
        return model(state)

    def declared_updates(self, context: Context) -> Mapping[str, Spec]:
        return specs(context.initial)
