"""MOON (Li, He, Song 2021): embeddings drawn to the server's model's, away from one's own before."""

from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field

from fedaffect.federation.algorithms.base import Client, State, features, model
from fedaffect.federation.algorithms.fedavg import FedAvg
from fedaffect.federation.messages.update import Update
from fedaffect.learning.learner import ExtraLoss, Fit
from fedaffect.schema import Tensors

if TYPE_CHECKING:
    from torch import Tensor

    from fedaffect.models.base import DialogueBatch, Prediction


class Frozen(NamedTuple):
    """Embeddings of a client's utterances by a fixed model, in evaluation mode.

    Attributes:
        item: int64 [n], rows of the corpus, increasing.
        embedding: float32 [n, d].
    """

    item: "Tensor"
    embedding: "Tensor"

    @classmethod
    def of(cls, parameters: Tensors, state: State, client: Client) -> "Frozen":
        import torch

        client.learner.set({**parameters, **features(state)})
        outputs = client.learner.predict(client.data.conversations)
        return cls(torch.from_numpy(outputs.item), torch.from_numpy(outputs.embedding))

    def at(self, item: "Tensor") -> "Tensor":
        """Embeddings [m, d] of rows of the corpus, int64 [m]."""
        import torch

        known, embedding = self.item.to(item.device), self.embedding.to(item.device)
        return embedding[torch.searchsorted(known, item)]


class Moon(FedAvg):
    """Local: L + μ · mean of -log(e^{s(z, z_g)/τ} / (e^{s(z, z_g)/τ} + e^{s(z, z_p)/τ})), eq. 3; s = cosine.

    z is an utterance's embedding, z_g that of the server's model, z_p that of the client's own model of
    the last round it took part in; in its first there is none, and no such term. The embedding is the
    model's own: the paper's projection head is not added.
    """

    class Settings(FedAvg.Settings):
        mu: float = Field(1.0, ge=0, description="μ; the paper tries 0.1 to 10; 0 = FedAvg")
        temperature: float = Field(0.5, gt=0, description="τ")

    def client_round(self, state: State, client: Client, memory: Tensors) -> tuple[Update, Tensors]:
        update, kept = super().client_round(state, client, memory)
        return update, {**kept, **model(update.tensors)}

    def learn(self, state: State, client: Client, memory: Tensors) -> tuple[Fit, Tensors]:
        return client.learn(model(state), state, memory, self._contrast(state, client, memory))

    def _contrast(self, state: State, client: Client, memory: Tensors) -> ExtraLoss | None:
        from torch.nn.functional import cosine_similarity, softplus

        before = model(memory)
        if not before or not self.settings.mu:
            return None
        servers = Frozen.of(model(state), state, client)
        own = Frozen.of(before, state, client)

        def loss(prediction: "Prediction", batch: "DialogueBatch", item: "Tensor") -> "Tensor":
            rows = batch.supervised
            z, utterances = prediction.embedding[rows], item[rows]
            towards = cosine_similarity(z, servers.at(utterances), dim=-1)
            away = cosine_similarity(z, own.at(utterances), dim=-1)
            # -log(e^a / (e^a + e^b)) = log(1 + e^(b - a))
            contrast = softplus((away - towards) / self.settings.temperature)
            mu: float = self.settings.mu
            return mu * contrast.mean()

        return loss
