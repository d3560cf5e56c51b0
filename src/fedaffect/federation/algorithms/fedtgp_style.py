"""FedTGP-style (Zhang et al. 2024): FedProto, but the server learns global prototypes that lie apart.

Known from the paper (AAAI 38(15), arXiv 2401.03230), not from its code. The rule and λ, S, τ are its own;
ours are Adam on all prototypes of a round at once, a width of its own, and what becomes of a class that
nobody sent (it keeps its prototype and takes no part) or that came alone (it gets the mean).
"""

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from fedaffect.experiment import Section
from fedaffect.federation.aggregators import PER_CLIENT, Aggregate, CollectingMean
from fedaffect.federation.algorithms._prototypes import Local, named, prototypes_of
from fedaffect.federation.algorithms.base import Context, State, with_prefix
from fedaffect.federation.algorithms.fedproto import FedProto
from fedaffect.inference.prototypes import Vector
from fedaffect.randomness import seed_for

if TYPE_CHECKING:
    from torch import Tensor, nn

NETWORK = "server/network/"


class FedTGPStyle(FedProto):
    """Client: as FedProto. Server: ĉ^k = W₂ relu(W₁ v^k + b₁) + b₂, with v, W and b that minimise the mean of

        -log exp(-d(c_i^k, ĉ^k) - δ) / (exp(-d(c_i^k, ĉ^k) - δ) + Σ_{l≠k} exp(-d(c_i^k, ĉ^l)))

    over clients i and their classes k; d is Euclidean, δ = min(τ, max_{k,l} d(c̄^k, c̄^l)) with c̄ the mean
    over clients. What it learns it goes on from in the next round. The server sees each client's
    prototypes, so they cannot go through secure summation.
    """

    class Settings(Section):
        lambda_: float = Field(10.0, ge=0, description="λ; the mean runs over batch and dimension")
        server_epochs: int = Field(100, ge=1, description="S, the server's steps in a round")
        server_learning_rate: float = Field(0.001, gt=0, description="of Adam")
        server_width: int = Field(
            256, ge=1, description="of the vectors v and the layer behind them"
        )
        maximum_margin: float = Field(100.0, ge=0, description="τ, the bound of δ")
        sample: int = Field(
            1000, ge=1, description="of a class, how many clients' prototypes the server looks at"
        )

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.aggregator = CollectingMean("prototype", self.settings.sample)

    def server_round(self, state: State, aggregate: Aggregate, context: Context) -> State:
        import torch

        each = with_prefix(aggregate.tensors, PER_CLIENT)
        sent = {n.removeprefix(f"{PER_CLIENT}/"): a for n, a in each.items()}
        received = prototypes_of(sent)
        means = prototypes_of(aggregate.tensors)
        if len(received) < 2:
            return {**state, **named(means)}
        network = self._network(state, context)
        classes = torch.tensor(list(received))
        prototypes = torch.from_numpy(np.concatenate(list(received.values())))
        owner = torch.arange(len(classes)).repeat_interleave(
            torch.tensor([len(own) for own in received.values()])
        )
        margin = min(largest_distance(means), self.settings.maximum_margin)
        optimiser = torch.optim.Adam(network.parameters(), self.settings.server_learning_rate)
        for _ in range(self.settings.server_epochs):
            optimiser.zero_grad()
            loss = adaptive_contrast(prototypes, owner, network(classes), margin)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        with torch.no_grad():
            table = network(classes).numpy()
        learnt = {NETWORK + n: tensor.numpy() for n, tensor in network.state_dict().items()}
        return {**state, **named(dict(zip(received, table, strict=True))), **learnt}

    def weight(self, own: Local) -> float:
        return 1.0

    def _network(self, state: State, context: Context) -> "nn.Sequential":
        """What makes global prototypes of classes: as it was left, or at first drawn from the seed."""
        import torch
        from torch import nn

        width = self.settings.server_width
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_for(context.experiment.seed, "global prototypes"))
            network = nn.Sequential(
                nn.Embedding(len(context.classes), width),
                nn.Linear(width, width),
                nn.ReLU(),
                nn.Linear(width, context.embedding_dim),
            )
        learnt = {n.removeprefix(NETWORK): a for n, a in state.items() if n.startswith(NETWORK)}
        if learnt:
            network.load_state_dict({n: torch.from_numpy(a) for n, a in learnt.items()})
        return network


def adaptive_contrast(
    prototypes: "Tensor", owner: "Tensor", global_prototypes: "Tensor", margin: float
) -> "Tensor":
    """The paper's L_P, averaged: every client's prototype is nearer to its class's by δ than to others'.

    Args:
        prototypes: float32 [n, d]. owner: int64 [n], rows of the global ones.
        global_prototypes: float32 [C, d].
        margin: δ.
    """
    import torch
    from torch.nn import functional

    # Not by products, which lose what is near.
    distance = torch.cdist(
        prototypes, global_prototypes, compute_mode="donot_use_mm_for_euclid_dist"
    )
    own = functional.one_hot(owner, len(global_prototypes))
    return functional.cross_entropy(-(distance + margin * own), owner)


def largest_distance(points: Mapping[int, Vector]) -> float:
    """Between any two; δ before it is bounded, of the means over clients."""
    return max(float(np.linalg.norm(a - b)) for a, b in combinations(points.values(), 2))
