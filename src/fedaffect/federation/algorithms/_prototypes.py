"""What algorithms that exchange class prototypes have in common."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fedaffect.errors import UserError
from fedaffect.federation.algorithms.base import Algorithm, Client, Context, Spec, State
from fedaffect.inference.prototypes import (
    Vector,
    assign_centres,
    class_means,
    nearest_other,
    nearest_prototype,
    squared_distances,
    unit,
)
from fedaffect.learning.learner import Outputs
from fedaffect.randomness import generator
from fedaffect.schema import Tensors

FUSED = "fused"


class Local(NamedTuple):
    """A client's own prototype and how many of its utterances it is the mean of."""

    vector: Vector
    size: int


class PrototypeAlgorithm(Algorithm):
    """Prototypes are `prototype/SPACE/NUMBER`, float32 [embedding_dim].

    A space is what is embedded: `fused`, or a modality. The number is the class, or, where a class has
    several centres, class × centres + centre.
    """

    unit_embeddings: bool
    per_modality = False
    centres = 1

    def spaces(self, context: Context) -> tuple[str, ...]:
        return context.modalities if self.per_modality else (FUSED,)

    def embedded(self, outputs: Outputs) -> dict[str, tuple[Vector, npt.NDArray[np.bool_]]]:
        """By space: embeddings as prototypes are made of them, [n, embedding_dim], and bool [n] present.

        Raises:
            UserError: one for each modality was asked for, of a model that has none.
        """
        given = outputs.embedding_by_modality if self.per_modality else {FUSED: outputs.embedding}
        if not given:
            raise UserError(
                "algorithm.prototypes: per_modality: this model embeds no single modality; use `fused`"
            )
        found = {}
        for position, (space, embedding) in enumerate(given.items()):
            weight = outputs.modality_weights[:, position] if self.per_modality else None
            present = np.ones(len(embedding), bool) if weight is None else weight > 0
            found[space] = (unit(embedding) if self.unit_embeddings else embedding, present)
        return found

    def local_prototypes(
        self, outputs: Outputs, client: Client, state: State
    ) -> dict[str, dict[int, Local]]:
        """By space and number: means over the client's supervised utterances, predicted after learning.

        FedProto's code accumulates them while training, with dropout and ever older weights; one pass in
        evaluation mode afterwards is what its equation says (Table 1, step 5 of Wang et al. 2026).
        """
        own = np.isin(outputs.item, client.data.supervised)
        label = client.label[outputs.item]
        found = {}
        for space, (embedding, present) in self.embedded(outputs).items():
            rows = own & present
            known = prototypes_of(state, space)
            numbers = self._numbers(embedding[rows], label[rows], known, client.context)
            rows[rows] = kept = self.keep(embedding[rows], numbers)
            means = class_means(embedding[rows], numbers[kept])
            found[space] = {n: Local(v, int((numbers[kept] == n).sum())) for n, v in means.items()}
        return found

    def within_class(
        self, outputs: Outputs, client: Client, own: Mapping[str, Mapping[int, Local]]
    ) -> dict[str, float]:
        """`within_class`: mean distance from the client's utterances to its own prototype of their class.

        Args:
            own: by space and number, from `local_prototypes`.
        """
        label, supervised = (
            client.label[outputs.item],
            np.isin(outputs.item, client.data.supervised),
        )
        distance = []
        for space, (embedding, present) in self.embedded(outputs).items():
            rows = supervised & present
            points = {number: mean.vector for number, mean in own[space].items()}
            classes = len(client.context.classes)
            squared = squared_distances(embedding[rows], points, classes, self.centres)
            distance.append(np.sqrt(squared[np.arange(len(squared)), label[rows]]))
        joined = np.concatenate(distance)
        return {"within_class": float(joined.mean())} if len(joined) else {}

    def measures(self, state: State, context: Context) -> dict[str, float]:
        """`nearest_other_class`: mean distance from a global prototype to the nearest of another class."""
        spaces = (prototypes_of(state, space) for space in self.spaces(context))
        found = [d for known in spaces for d in nearest_other(known, self.centres).values()]
        return {"nearest_other_class": float(np.mean(found))} if found else {}

    def keep(self, embedding: Vector, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """bool [n]: the utterances that prototypes are means of; all, unless an algorithm filters."""
        return np.ones(len(numbers), bool)

    def predict_nearest(self, state: State, outputs: Outputs, classes: int) -> Vector | None:
        """Probabilities by the nearest global prototype; None while there is none.

        With several spaces by the mean squared distance over those that an utterance has.
        """
        shape = (len(outputs.item), classes)
        total, spaces, anywhere = np.zeros(shape), np.zeros(shape), np.zeros(classes, bool)
        for space, (embedding, present) in self.embedded(outputs).items():
            squared = squared_distances(
                embedding, prototypes_of(state, space), classes, self.centres
            )
            there = np.isfinite(squared)
            anywhere |= there.any(axis=0)
            counts = there & present[:, None]
            total += np.where(counts, squared, 0.0)
            spaces += counts
        if not anywhere.any():
            return None
        mean = np.divide(total, spaces, out=np.full(shape, np.inf), where=spaces > 0)
        # An utterance with nothing to compare is as near to one as to another.
        mean[~np.isfinite(mean).any(axis=1)] = np.where(anywhere, 0.0, np.inf)
        return nearest_prototype(mean)

    def prototype_specs(self, context: Context) -> Mapping[str, Spec]:
        spec = Spec((context.embedding_dim,), "float32")
        numbers = range(len(context.classes) * self.centres)
        return {path(space, n): spec for space in self.spaces(context) for n in numbers}

    def _numbers(
        self,
        embedding: Vector,
        label: npt.NDArray[np.int64],
        known: Mapping[int, Vector],
        context: Context,
    ) -> npt.NDArray[np.int64]:
        """Which prototype each embedding belongs to, int64 [n]."""
        if self.centres == 1:
            return label
        draw = generator(context.experiment.seed, "centres").normal(size=context.embedding_dim)
        axis = draw.astype(np.float32)
        numbers = label * self.centres
        for k in np.unique(label):
            rows = label == k
            own = {n % self.centres: v for n, v in known.items() if n // self.centres == k}
            numbers[rows] += assign_centres(embedding[rows], self.centres, own, axis)
        return numbers


def modality_weights(outputs: Outputs, client: Client) -> dict[str, float]:
    """`modality_weight/NAME`: how much a modality weighs on average in the client's supervised utterances."""
    own = np.isin(outputs.item, client.data.supervised)
    mean = outputs.modality_weights[own].mean(axis=0, dtype=np.float64)
    names = client.context.modalities
    return {f"modality_weight/{m}": float(w) for m, w in zip(names, mean, strict=False)}


def path(space: str, number: int) -> str:
    """The name by which a prototype travels."""
    return f"prototype/{space}/{number}"


def prototypes_of(tensors: Mapping[str, npt.NDArray[Any]], space: str = FUSED) -> dict[int, Vector]:
    """The prototypes of a space among named tensors, by number."""
    prefix = f"prototype/{space}/"
    found = {int(n.removeprefix(prefix)): a for n, a in tensors.items() if n.startswith(prefix)}
    return dict(sorted(found.items()))


def named(prototypes: Mapping[int, Vector], space: str = FUSED) -> Tensors:
    """Prototypes of a space under the names by which they travel."""
    return {path(space, n): vector for n, vector in prototypes.items()}
