"""What algorithms that exchange class prototypes have in common."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fedaffect.federation.algorithms.base import Algorithm, Client, Context, Spec, State
from fedaffect.inference.prototypes import Vector, class_means, nearest_prototype, unit
from fedaffect.learning.learner import Outputs, Tensors

PREFIX = "prototype/fused"


class PrototypeAlgorithm(Algorithm):
    """Prototypes are `prototype/fused/K`, float32 [embedding_dim], K an index into the classes."""

    unit_embeddings: bool

    def embed(self, outputs: Outputs) -> Vector:
        """Embeddings as prototypes are made of them, [n, embedding_dim]."""
        return unit(outputs.embedding) if self.unit_embeddings else outputs.embedding

    def local_prototypes(self, client: Client) -> dict[int, Vector]:
        """Class means over the client's supervised utterances, in evaluation mode after learning.

        FedProto's code accumulates them while training, with dropout and ever older weights; one pass
        afterwards is what its equation says (Table 1, step 5 of Wang et al. 2026).
        """
        outputs = client.learner.predict(client.share.conversations)
        own = np.isin(outputs.item, client.share.supervised)
        return class_means(self.embed(outputs)[own], client.label[outputs.item[own]])

    def predict_nearest(self, state: State, outputs: Outputs, classes: int) -> Vector | None:
        """Probabilities by the nearest global prototype; None while there is none."""
        known = prototypes_of(state)
        return nearest_prototype(self.embed(outputs), known, classes) if known else None

    def prototype_specs(self, context: Context) -> Mapping[str, Spec]:
        spec = Spec((context.embedding_dim,), "float32")
        return {f"{PREFIX}/{k}": spec for k in range(len(context.classes))}


def prototypes_of(tensors: Mapping[str, npt.NDArray[Any]]) -> dict[int, Vector]:
    """The prototypes among named tensors, by class."""
    found = {n: a for n, a in tensors.items() if n.startswith(PREFIX + "/")}
    return {int(n.rpartition("/")[2]): found[n] for n in sorted(found)}


def named(prototypes: Mapping[int, Vector]) -> Tensors:
    """Prototypes under the names by which they travel."""
    return {f"{PREFIX}/{k}": vector for k, vector in prototypes.items()}


def as_table(
    prototypes: Mapping[int, Vector], classes: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """float32 [classes, embedding_dim] (zeros where unknown) and bool [classes] known."""
    dim = len(next(iter(prototypes.values())))
    table = np.zeros((classes, dim), np.float32)
    known = np.zeros(classes, bool)
    for k, vector in prototypes.items():
        table[k], known[k] = vector, True
    return torch.from_numpy(table).to(device), torch.from_numpy(known).to(device)
