"""FedMPD (Wang et al. 2026): prototypes pulled to the global one, pushed from others, weighted by distance.

The printed equations 8-10 and steps 6 and 11 of Table 1 do not work as they stand; this is their sound
reading, with the others as switches (docs/equations.md). With equal distances it is FedProto with unit
embeddings.
"""

from collections.abc import Mapping
from math import exp
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from fedaffect.errors import UserError
from fedaffect.experiment import Section
from fedaffect.federation.aggregators import Aggregate
from fedaffect.federation.algorithms._prototypes import (
    Local,
    PrototypeAlgorithm,
    modality_weights,
    path,
    prototypes_of,
)
from fedaffect.federation.algorithms.base import (
    Client,
    Context,
    Spec,
    State,
    features,
    model,
    specs,
    with_prefix,
)
from fedaffect.federation.messages.update import Update
from fedaffect.inference.prototypes import Vector, class_means, nearest_other
from fedaffect.learning.learner import ExtraLoss
from fedaffect.schema import Tensors

if TYPE_CHECKING:
    from torch import Tensor

    from fedaffect.learning.torch.prototype_objectives import Prototypes
    from fedaffect.models.base import DialogueBatch, Prediction

LABEL_COUNTS = "count/labels"
LONGEST = 1e3
SHORTEST = 1e-6


class PrototypeMatch(NamedTuple):
    """A client's own prototype beside the global one.

    Attributes:
        distance, score: d and s of eq. 10; None where there is no global prototype.
        margin: r of it.
    """

    own: Local
    distance: float | None
    score: float | None
    margin: float


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
        prototypes: Literal["fused", "per_modality"] = Field(
            "fused", description="of what prototypes are means"
        )
        centres: int = Field(1, ge=1, le=16, description="prototypes a class, by clustering")
        lambda_: float = Field(0.1, ge=0, description="λ of eq. 8")
        terms: Literal["both", "pull", "push"] = Field("both", description="of eq. 9")
        pull: Literal["utterances", "class_means"] = Field(
            "utterances", description="what eq. 9 moves: each utterance, or a batch's class means"
        )
        omega: Literal["own", "global"] = Field(
            "own", description="ω of eq. 8: |D_ik| / |D_i|, or |D_ik| / N_k, which reveals N_k"
        )
        triplet: Literal["off", "hinge", "literal_filter"] = Field(
            "off",
            description="step 6: off; as a loss; as printed, a choice of utterances for the prototypes",
        )
        triplet_margin: float = Field(0.2, ge=0, description="α of step 6")
        score: Literal["hinge", "softmin"] = Field(
            "hinge", description="eq. 10: max(0, r_k - d), or exp(-d / score_temperature)"
        )
        score_temperature: float = Field(0.5, gt=0)
        distance_weight: bool = Field(True, description="off: prototypes count by utterances alone")
        count_power: float = Field(1.0, ge=0, description="p: weights are n^p · score")
        aggregate: Literal["normalised", "literal_step_11"] = Field(
            "normalised", description="literal: Σ (r - d) c, which grows or vanishes"
        )
        server_momentum: float = Field(0.0, ge=0, lt=1, description="μ: how much of the old stays")
        minimum_margin: float = Field(
            0.5, ge=0, description="r_min; keeps collapsed prototypes apart"
        )
        maximum_margin: float = Field(1.5, gt=0, description="r_max")
        distil_from: Literal["fused", "server"] = Field(
            "fused",
            description="whom a client's students learn from: its own fused head, the server's",
        )

        @model_validator(mode="after")
        def _sensible(self) -> Self:
            if self.minimum_margin > self.maximum_margin:
                raise ValueError("minimum_margin is above maximum_margin")
            if self.exchange == "weights" and (self.triplet == "hinge" or self.omega == "global"):
                raise ValueError(
                    "exchange weights regularises nothing: no triplet hinge, no omega global"
                )
            if self.aggregate == "literal_step_11" and (
                self.score != "hinge" or not self.distance_weight
            ):
                raise ValueError(
                    "literal_step_11 weighs by r - d: no softmin, and no distance_weight off"
                )
            if self.distil_from == "server" and self.exchange == "prototypes":
                raise ValueError(
                    "distil_from server: there is a server's model with exchange both or weights"
                )
            return self

    unit_embeddings = True

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.evaluations = ("global" if self._shares_model else "local", "prototype")
        self.per_modality = self.settings.prototypes == "per_modality"
        self.centres = self.settings.centres

    def initial(self, context: Context) -> State:
        return dict(context.initial) if self._shares_model else {}

    def client_round(self, state: State, client: Client, memory: Tensors) -> tuple[Update, Tensors]:
        start = self.model_for(state, memory, client.context)
        fit, optimiser = client.learn(
            start, state, memory, self._regulariser(state, client), self._teacher(state, client)
        )
        outputs = client.learner.predict(client.data.conversations)
        own = self.local_prototypes(outputs, client, state)
        matches = self._matches(own, state)
        tensors, weights, fallback = self._weighted(matches, state)
        learnt = client.learner.get()
        if self._shares_model:
            tensors |= learnt
            fallback["model"] = float(client.data.volume)
            # Before there is any global prototype all clients count by volume.
            scored = [self._count(j.own) * j.score for j in matches.values() if j.score is not None]
            weights["model"] = sum(scored) if _prototypes_in(state) else fallback["model"]
        if self.settings.omega == "global":
            tensors[LABEL_COUNTS] = client.counts.astype(np.float64)
            weights[LABEL_COUNTS] = 1.0
        scalars = {
            "loss": fit.loss,
            **fit.parts,
            **self._recorded(matches, client.context),
            **self.within_class(outputs, client, own),
            **modality_weights(outputs, client),
        }
        kept = optimiser if self._shares_model else {**learnt, **optimiser}
        return Update(tensors, weights, fallback, scalars), kept

    def server_round(self, state: State, aggregate: Aggregate, context: Context) -> State:
        new = dict(aggregate.tensors)
        momentum = self.settings.server_momentum
        for name in _prototypes_in(new):
            if self.settings.aggregate == "literal_step_11" and name in state:
                new[name] = new[name] * np.float32(aggregate.updates)  # a mean made the printed sum
                _ensure_bounded(name, new[name], context)
            if name in state:
                new[name] = (1 - momentum) * new[name] + momentum * state[name]
        if LABEL_COUNTS in new:
            new[LABEL_COUNTS] = new[LABEL_COUNTS] * aggregate.updates
        return {**state, **new}

    def model_for(self, state: State, memory: Tensors, context: Context) -> Tensors:
        return model(state if self._shares_model else memory) or context.initial

    def declared_updates(self, context: Context) -> Mapping[str, Spec]:
        shared = specs(context.initial) if self._shares_model else {}
        counts = {LABEL_COUNTS: Spec((len(context.classes),), "float64")}
        asked = counts if self.settings.omega == "global" else {}
        return {**self.prototype_specs(context), **shared, **asked}

    def measures(self, state: State, context: Context) -> dict[str, float]:
        margins = {
            f"margin/{self._called(space, number, context)}": margin
            for space in self.spaces(context)
            for number, margin in self.margins(prototypes_of(state, space)).items()
        }
        return {**margins, **super().measures(state, context)}

    def margins(self, prototypes: Mapping[int, Vector]) -> dict[int, float]:
        """r: distance to the nearest global prototype of another class, kept within its bounds (eq. 9).

        Without the lower bound prototypes that collapse would also stop repelling each other.
        """
        low, high = self.settings.minimum_margin, self.settings.maximum_margin
        other = nearest_other(prototypes, self.centres)
        return {n: float(np.clip(other.get(n, high), low, high)) for n in prototypes}

    def score(self, distance: float, margin: float) -> float:
        """s_ik of eq. 10; step 11's (r - d) made non-negative, or a soft minimum."""
        if not self.settings.distance_weight:
            return 1.0
        if self.settings.score == "hinge":
            return max(0.0, margin - distance)
        return exp(-distance / self.settings.score_temperature)

    def keep(self, embedding: Vector, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """With `literal_filter`, step 6 as printed: d(g(x), c_i^k) + α < d(c_i^k, c_i^l), l the nearest.

        A prototype that no utterance would be left to keeps all of them.
        """
        if self.settings.triplet != "literal_filter" or not len(numbers):
            return super().keep(embedding, numbers)
        means = class_means(embedding, numbers)
        other = nearest_other(means, self.centres)
        reach = np.array([other.get(int(n), np.inf) for n in numbers])
        distance = np.linalg.norm(embedding - np.stack([means[int(n)] for n in numbers]), axis=1)
        kept: npt.NDArray[np.bool_] = distance + self.settings.triplet_margin < reach
        return kept | ~np.isin(numbers, numbers[kept])

    @property
    def _shares_model(self) -> bool:
        return bool(self.settings.exchange != "prototypes")

    def _matches(
        self, own: Mapping[str, Mapping[int, Local]], state: State
    ) -> dict[tuple[str, int], PrototypeMatch]:
        """The client's prototypes by space and number, each beside the global one."""
        found = {}
        for space, prototypes in own.items():
            reference = prototypes_of(state, space)
            margins = self.margins(reference)
            for number, mean in prototypes.items():
                distance = score = None
                if number in reference:
                    distance = float(np.linalg.norm(mean.vector - reference[number]))
                    score = self.score(distance, margins[number])
                found[space, number] = PrototypeMatch(
                    mean, distance, score, margins.get(number, 0.0)
                )
        return found

    def _count(self, own: Local) -> float:
        power: float = self.settings.count_power
        return float(own.size**power)

    def _weighted(
        self, matches: Mapping[tuple[str, int], PrototypeMatch], state: State
    ) -> tuple[Tensors, dict[str, float], dict[str, float]]:
        """What is sent of the prototypes, with weights and the weights to fall back on."""
        tensors: Tensors = {}
        weights, fallback = {}, {}
        for (space, number), j in matches.items():
            name, count = path(space, number), self._count(j.own)
            tensors[name] = j.own.vector
            if self.settings.aggregate == "literal_step_11" and j.distance is not None:
                tensors[name] = j.own.vector * np.float32(j.margin - j.distance)
                weights[name] = 1.0
            else:
                weights[name] = count * (1.0 if j.score is None else j.score)
                fallback[name] = count
        if self.settings.aggregate == "literal_step_11":
            absent = _prototypes_in(state).keys() - tensors.keys()
            tensors |= {name: np.zeros_like(state[name]) for name in sorted(absent)}
            weights |= dict.fromkeys(absent, 1.0)  # a mean over all clients is their sum, but for n
        return tensors, weights, fallback

    def _recorded(
        self, matches: Mapping[tuple[str, int], PrototypeMatch], context: Context
    ) -> dict[str, float]:
        """Distance, score and count by class, for the record."""
        recorded = {}
        for (space, number), j in matches.items():
            called = self._called(space, number, context)
            if j.distance is not None and j.score is not None:
                recorded[f"distance/{called}"], recorded[f"score/{called}"] = j.distance, j.score
            recorded[f"count/{called}"] = float(j.own.size)
        return recorded

    def _called(self, space: str, number: int, context: Context) -> str:
        """A prototype in words: its class, and its space and centre where there are several."""
        called = context.classes[number // self.centres]
        if self.centres > 1:
            called += f"/{number % self.centres}"
        return f"{space}/{called}" if self.per_modality else called

    def _teacher(self, state: State, client: Client) -> npt.NDArray[np.float32] | None:
        """Probabilities by the server's model of the client's utterances; from round 2 on."""
        if self.settings.distil_from != "server" or client.context.round < 2:
            return None
        client.learner.set({**model(state), **features(state)})
        outputs = client.learner.predict(client.data.conversations)
        table = np.zeros((len(client.label), len(client.context.classes)), np.float32)
        table[outputs.item] = outputs.probability
        return table

    def _regulariser(self, state: State, client: Client) -> ExtraLoss | None:
        if self.settings.exchange == "weights" or not self.settings.lambda_:
            return None
        known = {s: prototypes_of(state, s) for s in self.spaces(client.context)}
        known = {space: prototypes for space, prototypes in known.items() if prototypes}
        if not known:
            return None
        margins = {space: self.margins(prototypes) for space, prototypes in known.items()}
        importance = None
        if LABEL_COUNTS in state:
            importance = client.data.volume / np.maximum(state[LABEL_COUNTS], 1.0)

        def loss(prediction: "Prediction", batch: "DialogueBatch", _item: "Tensor") -> "Tensor":
            import torch

            from fedaffect.learning.torch.prototype_objectives import Prototypes

            given = prediction.embedding_by_modality if self.per_modality else {}
            total = torch.zeros((), device=batch.label.device)
            for space, prototypes in known.items():
                rows = batch.supervised & batch.present[space] if given else batch.supervised
                embedding = given[space] if given else prediction.embedding
                total = total + self._term(
                    embedding[rows],
                    batch.label[rows],
                    Prototypes.of(prototypes, margins[space], self.centres, rows.device),
                    importance,
                )
            lambda_: float = self.settings.lambda_
            return lambda_ / len(known) * total

        return loss

    def _term(
        self,
        embedding: "Tensor",
        label: "Tensor",
        prototypes: "Prototypes",
        importance: npt.NDArray[np.float64] | None,
    ) -> "Tensor":
        """Eq. 9 (and step 6 as a loss) for the utterances of a batch in one space."""
        from torch.nn.functional import normalize

        from fedaffect.learning.torch.prototype_objectives import (
            batch_class_means,
            pull_and_push,
            triplet,
        )

        unit = normalize(embedding, dim=-1)
        moved, owner, size = unit, label, None
        if self.settings.pull == "class_means":
            moved, owner, size = batch_class_means(unit, label)
        counted = None if importance is None else unit.new_tensor(importance)
        term = pull_and_push(moved, owner, prototypes, self.settings.terms, counted, size)
        if self.settings.triplet == "hinge":
            term = term + triplet(unit, label, prototypes, self.settings.triplet_margin)
        return term


def _prototypes_in(tensors: Tensors) -> Tensors:
    return with_prefix(tensors, "prototype")


def _ensure_bounded(name: str, prototype: Vector, context: Context) -> None:
    length = float(np.linalg.norm(prototype))
    if not SHORTEST < length < LONGEST:
        raise UserError(
            f"round {context.round}: `{name}` has the length {length:.3g}: with algorithm.aggregate="
            "literal_step_11 a prototype is multiplied every round by a sum that is not 1; use "
            "`normalised` (docs/equations.md)"
        )
