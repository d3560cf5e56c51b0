"""FedPer (Arivazhagan et al. 2019), FedRep (Collins et al. 2021): a common body, each client its own head."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from pydantic import Field

from fedaffect.errors import UserError
from fedaffect.federation.algorithms.base import Client, Context, Spec, State, model, specs
from fedaffect.federation.algorithms.fedavg import FedAvg
from fedaffect.federation.messages.update import Update
from fedaffect.learning.learner import Fit
from fedaffect.schema import Tensors


class FedPer(FedAvg):
    """FedAvg of the body; the personal parameters stay with their client, who goes on from them.

    `joint` (FedPer): both learn at once. `alternating` (FedRep): first the head with the body frozen, for
    `head_epochs`, then the body with the head frozen, for the local epochs. A client that has not learnt
    yet has the head that all draw from the seed.
    """

    class Settings(FedAvg.Settings):
        schedule: Literal["joint", "alternating"] = Field(
            "joint", description="joint = FedPer; alternating = FedRep"
        )
        head_epochs: int = Field(1, ge=1, description="of the head alone, with `alternating`")
        personal: tuple[str, ...] = Field(
            ("classify", "student"),
            description="modules of the model that never leave a client, wherever they are in it",
        )

    evaluations = ("local",)

    def initial(self, context: Context) -> State:
        head, body = self._parted(context.initial)
        if head and body:
            return body
        named = ", ".join(f"`{name}`" for name in self.settings.personal) or "nothing"
        trouble = (
            "all of this model, and nothing is left to share" if head else "no part of this model"
        )
        modules = sorted({name.split("/")[1] for name in context.initial})
        cure = 'name its heads alone, as ["classify"]'
        if modules == ["classify"]:
            cure = "there is no body to share, choose another algorithm"
        raise UserError(
            f"algorithm.personal: {named} is {trouble}; it is made of {', '.join(modules)}: {cure}"
        )

    def client_round(self, state: State, client: Client, memory: Tensors) -> tuple[Update, Tensors]:
        update, kept = super().client_round(state, client, memory)
        head, body = self._parted(update.tensors)
        return replace(update, tensors=body), {**kept, **head}

    def learn(self, state: State, client: Client, memory: Tensors) -> tuple[Fit, Tensors]:
        start = self.model_for(state, memory, client.context)
        if self.settings.schedule == "joint":
            return client.learn(start, state, memory)
        head, body = self._parted(start)
        epochs = self.settings.head_epochs
        _, kept = client.learn(start, state, memory, only=head, epochs=epochs)
        fit, also_kept = client.learn(client.learner.get(), state, memory, only=body)
        return fit, {**kept, **also_kept}

    def model_for(self, state: State, memory: Tensors, context: Context) -> Tensors:
        return {**context.initial, **model(state), **model(memory)}

    def declared_updates(self, context: Context) -> Mapping[str, Spec]:
        _, body = self._parted(context.initial)
        return specs(body)

    def _parted(self, tensors: Tensors) -> tuple[Tensors, Tensors]:
        """The head, which is personal, and the body."""
        personal = [f"/{name}/" for name in self.settings.personal]
        head = {n: a for n, a in tensors.items() if any(p in f"{n}/" for p in personal)}
        return head, {n: a for n, a in tensors.items() if n not in head}
