"""FedMPD (Wang et al. 2026): prototypes pulled to the global one, pushed from others, weighted by distance.

The printed equations 8-10 and steps 6 and 11 of Table 1 do not work as they stand; this is their sound
reading (README, "What the papers leave open"). With equal distances it is FedProto with unit embeddings.
"""

from collections.abc import Mapping
from math import exp
from typing import Any, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator

from fedaffect.experiment import Section
from fedaffect.federation.aggregators import Aggregate
from fedaffect.federation.algorithms.base import Client, Context, Spec, State, model, specs
from fedaffect.federation.algorithms.prototypes import (
    PREFIX,
    PrototypeAlgorithm,
    as_table,
    named,
    prototypes_of,
)
from fedaffect.federation.update import Update
from fedaffect.inference.prototypes import Vector, nearest_other
from fedaffect.learning.learner import ExtraLoss, Tensors
from fedaffect.models.batch import DialogueBatch
from fedaffect.models.prediction import Prediction


class FedMPD(PrototypeAlgorithm):
    """Distances are Euclidean between means of unit-length embeddings, so they lie in [0, 2].

    The client computes its own score, since the global prototypes are public; the server then needs
    only sums (Σ n s c, Σ n s, and Σ n c, Σ n to fall back on), which secure summation can provide.
    """

    class Settings(Section):
        exchange: Literal["prototypes", "weights", "both"] = Field(
            "prototypes",
            description="what is learnt together: prototypes (Table 1), model weights (sec. 3.3), both",
        )
        strength: float = Field(0.1, ge=0, description="λ of eq. 8")
        score: Literal["hinge", "softmin"] = Field(
            "hinge", description="eq. 10: max(0, r_k - d), or exp(-d / score_temperature)"
        )
        score_temperature: float = Field(0.5, gt=0)
        count_power: float = Field(1.0, ge=0, description="p: weights are n^p · score")
        server_momentum: float = Field(0.0, ge=0, lt=1, description="μ: how much of the old stays")
        minimum_margin: float = Field(
            0.5, ge=0, description="r_min; keeps collapsed prototypes apart"
        )
        maximum_margin: float = Field(1.5, gt=0, description="r_max")

        @model_validator(mode="after")
        def _bounds_in_order(self) -> Self:
            if self.minimum_margin > self.maximum_margin:
                raise ValueError("minimum_margin is above maximum_margin")
            return self

    unit_embeddings = True

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.evaluations = ("global" if self._shares_model else "local", "prototype")

    def initial(self, context: Context) -> State:
        return dict(context.initial) if self._shares_model else {}

    def client_round(self, state: State, client: Client, memory: Tensors) -> tuple[Update, Tensors]:
        reference = prototypes_of(state)
        margin = self.margins(reference)
        start = self.model_for(state, memory, client.context)
        fit, optimiser = client.learn(start, state, memory, self._regulariser(reference, client))

        own = self.local_prototypes(client)
        count = {k: float(client.counts[k]) ** self.settings.count_power for k in own}
        distance = {k: float(np.linalg.norm(own[k] - reference[k])) for k in own if k in reference}
        score = {k: self.score(d, margin[k]) for k, d in distance.items()}
        weights = {f"{PREFIX}/{k}": count[k] * score.get(k, 1.0) for k in own}
        fallback = {f"{PREFIX}/{k}": count[k] for k in own}
        tensors = named(own)
        learnt = client.learner.get()
        if self._shares_model:
            tensors |= learnt
            fallback["model"] = float(client.share.volume)
            # Before there is any global prototype all clients count by volume.
            judged = sum(count[k] * score[k] for k in score)
            weights["model"] = judged if reference else fallback["model"]
        classes = client.context.classes
        scalars = {
            "loss": fit.loss,
            **fit.parts,
            **{f"distance/{classes[k]}": d for k, d in distance.items()},
            **{f"score/{classes[k]}": s for k, s in score.items()},
            **{f"count/{classes[k]}": float(client.counts[k]) for k in own},
        }
        kept = optimiser if self._shares_model else {**learnt, **optimiser}
        return Update(tensors, weights, fallback, scalars), kept

    def server_round(self, state: State, aggregate: Aggregate, context: Context) -> State:
        old, new = prototypes_of(state), prototypes_of(aggregate.tensors)
        momentum = self.settings.server_momentum
        for k in new.keys() & old.keys():
            new[k] = (1 - momentum) * new[k] + momentum * old[k]
        return {**state, **aggregate.tensors, **named(new)}

    def model_for(self, state: State, memory: Tensors, context: Context) -> Tensors:
        return model(state if self._shares_model else memory) or context.initial

    def leaves(self, context: Context) -> Mapping[str, Spec]:
        shared = specs(context.initial) if self._shares_model else {}
        return {**self.prototype_specs(context), **shared}

    def measures(self, state: State, context: Context) -> dict[str, float]:
        prototypes = prototypes_of(state)
        margin = {f"margin/{context.classes[k]}": r for k, r in self.margins(prototypes).items()}
        separation = list(nearest_other(prototypes).values())
        return {**margin, "prototype_separation": float(np.mean(separation or [0.0]))}

    def margins(self, prototypes: Mapping[int, Vector]) -> dict[int, float]:
        """r_k: distance to the nearest other global prototype, kept within its bounds (eq. 9).

        Without the lower bound prototypes that collapse would also stop repelling each other.
        """
        low, high = self.settings.minimum_margin, self.settings.maximum_margin
        other = nearest_other(prototypes)
        return {k: float(np.clip(other.get(k, high), low, high)) for k in prototypes}

    def score(self, distance: float, margin: float) -> float:
        """s_ik of eq. 10; step 11's (r - d) made non-negative, or a soft minimum."""
        if self.settings.score == "hinge":
            return max(0.0, margin - distance)
        return exp(-distance / self.settings.score_temperature)

    @property
    def _shares_model(self) -> bool:
        return bool(self.settings.exchange != "prototypes")

    def _regulariser(self, reference: Mapping[int, Vector], client: Client) -> ExtraLoss | None:
        if not reference or self.settings.exchange == "weights" or not self.settings.strength:
            return None
        margins = self.margins(reference)

        def loss(prediction: Prediction, batch: DialogueBatch) -> torch.Tensor:
            embedding = prediction.embedding[batch.supervised]
            classes = len(client.context.classes)
            table, known = as_table(reference, classes, embedding.device)
            margin = embedding.new_tensor([margins.get(k, 0.0) for k in range(classes)])
            label = batch.label[batch.supervised]
            strength: float = self.settings.strength
            return strength * pull_and_push(embedding, label, table, known, margin)

        return loss


def pull_and_push(
    embedding: torch.Tensor,
    label: torch.Tensor,
    table: torch.Tensor,
    known: torch.Tensor,
    margin: torch.Tensor,
) -> torch.Tensor:
    """Eq. 9 for each utterance x of class k, averaged:

        d(g(x), c^k) + 1/(K-1) Σ_{l≠k} max(0, r_k - d(g(x), c^l))

    An utterance whose class has no global prototype adds 0. The mean over utterances is
    ω_ik = |D_ik| / |D_i| of eq. 8; K-1 keeps λ independent of the number of classes.

    Args:
        embedding: float32 [n, d], scaled to unit length here. label: int64 [n].
        table: float32 [classes, d]. known: bool [classes]. margin: float32 [classes], r_k.
    """
    unit = torch.nn.functional.normalize(embedding, dim=-1)
    # The small constant keeps the gradient finite where an embedding meets a prototype.
    distance = ((unit[:, None] - table[None]) ** 2).sum(dim=-1).add(1e-12).sqrt()
    own = torch.nn.functional.one_hot(label, len(table)).bool()
    push = (margin[label][:, None] - distance).clamp_min(0.0) * (known & ~own)
    others = max(int(known.sum()) - 1, 1)
    each = distance[own] + push.sum(dim=-1) / others
    mean: torch.Tensor = (each * known[label]).sum() / max(len(label), 1)
    return mean
