"""A federated random forest: splits from a public seed or from clients, leaf counts from all clients."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Any, Literal, Self, cast

import numpy as np
from pydantic import Field, model_validator

from fedaffect.errors import UserError
from fedaffect.experiment import Section
from fedaffect.federation.aggregators import Aggregate, WeightedMean
from fedaffect.federation.algorithms.base import (
    Algorithm,
    Client,
    Context,
    Spec,
    State,
    features,
    with_prefix,
)
from fedaffect.federation.messages.update import Update, longest_prefix
from fedaffect.inference.forest import MAXIMUM_TREES, Forest, joined, read, write
from fedaffect.learning.forest.counts import leaf_counts, undecided, with_counts
from fedaffect.learning.forest.model import grid_of, model_tensors, settings_of
from fedaffect.learning.forest.random_splits import random_trees
from fedaffect.randomness import seed_for
from fedaffect.schema import Tensors

if TYPE_CHECKING:
    from fedaffect.learning.forest.learner import ForestLearner

COUNTS = "forest/leaf_counts"
TREES = "forest/trees"
REFUSED = "server/forest/refused"


class FederatedForest(Algorithm):
    """Adds `model.trees` trees a round to a forest whose leaves hold the label counts of all clients.

    `private`: the splits follow from the experiment's seed and public ranges
    (`learning.forest.random_splits`). A client sends the sum of its items' leaf one-hots and nothing else, so
    a server that only sees totals learns as well. An item changes `trees` numbers by one in each round: the
    noise of a Gaussian mechanism is scaled by √(trees · rounds), of a person with n items by n times that.

    `bagging`: two rounds a time. In the odd one each client sends its part of the trees, grown on its own
    items (`learning.forest.bagging`), without leaf counts. In the even one every client
    counts its items in all trees. Splits reveal something of the items that they were chosen on, so this mode
    must be agreed to (`accept_leakage`).
    """

    balances = False

    class Settings(Section):
        mode: Literal["private", "bagging"] = Field(
            "private", description="private: sums of leaf one-hots leave; bagging: trees do, too"
        )
        accept_leakage: bool = Field(
            False, description="of bagging: it is agreed that trees reveal what they were grown on"
        )
        smoothing: float = Field(
            1.0, gt=0, description="as how many items a leaf's neighbourhood counts in it"
        )
        sharpness: float = Field(
            4.0, gt=0, description="as how many independent trees all together count"
        )

        @model_validator(mode="after")
        def _agreed(self) -> Self:
            if self.mode == "bagging" and not self.accept_leakage:
                raise ValueError(
                    "mode `bagging` sends trees, and trained random forests completely reveal their dataset "
                    "(arXiv 2402.19232); set accept_leakage=true if that is agreed, or use mode=private"
                )
            return self

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self._private = self.settings.mode == "private"
        self.aggregator = Sums() if self._private else SumsAndTrees()

    def initial(self, context: Context) -> State:
        rounds = context.experiment.rounds.count
        if not self._private and rounds % 2:
            raise UserError(
                "algorithm forest: bagging takes two rounds, for trees and for counts, and rounds.count is "
                f"{rounds}; set rounds.count=2"
            )
        trees = self._trees(context) * (rounds if self._private else rounds // 2)
        if trees > MAXIMUM_TREES:
            raise UserError(f"model forest: trees: {trees} in all rounds; at most {MAXIMUM_TREES}")
        return {}

    def client_round(self, state: State, client: Client, memory: Tensors) -> tuple[Update, Tensors]:
        context = client.context
        if not hasattr(client.learner, "grown"):
            raise UserError("algorithm forest: the clients hold no forest; use model.name=forest")
        learner = cast("ForestLearner", client.learner)
        learner.set(features(state))
        if self._private:
            forest = _random_trees(context, context.round)
        elif context.round % 2:
            trees = ceil(client.completed_fraction * _of_each(context))
            seed = seed_for(context.experiment.seed, "trees", context.round, client.index)
            grown = learner.grown(client.data.supervised, trees, seed)
            named = _of_round(TREES, context.round)
            return Update(blobs={named: write(undecided(grown))} if grown else {}), {}
        elif TREES in state:
            forest = read(state[TREES].tobytes(), TREES)
        else:  # the round for trees was lost
            return Update(), {}
        named = _of_round(COUNTS, context.round)
        counts = np.zeros(self.declared_updates(context)[named].shape, np.int32)
        rows, label = learner.table(client.data.supervised)
        counts[: forest.trees] = leaf_counts(forest, rows, label, counts.shape[1])
        return Update({named: counts}), {}

    def server_round(self, state: State, aggregate: Aggregate, context: Context) -> State:
        state = {name: array for name, array in state.items() if name != TREES}
        for name, counts in with_prefix(aggregate.tensors, COUNTS).items():
            kept = f"server/{name}"
            state[kept] = state.get(kept, 0.0) + counts
        if not self._private and context.round % 2:
            sent = with_prefix(aggregate.tensors, _of_round(TREES, context.round)).values()
            forests = [forest for payload in sent if (forest := _sound(payload, context))]
            refused = int(state.get(REFUSED, 0)) + len(sent) - len(forests)
            state[REFUSED] = np.array(refused)
            if forests:
                joint = np.frombuffer(write(joined(forests)), np.uint8)
                counted = f"server/{_of_round(TREES, context.round + 1)}"
                state |= {TREES: joint, counted: joint}
        return state

    def model_for(self, state: State, memory: Tensors, context: Context) -> Tensors:
        forests = []
        for name, counts in with_prefix(state, f"server/{COUNTS}").items():
            number = int(name.rpartition("/")[2])
            if self._private:
                forest = _random_trees(context, number)
            else:
                forest = read(state[f"server/{_of_round(TREES, number)}"].tobytes(), TREES)
            smoothing, sharpness = self.settings.smoothing, self.settings.sharpness
            forests.append(with_counts(forest, counts[: forest.trees], smoothing, sharpness))
        return model_tensors(joined(forests)) if forests else context.initial

    def declared_updates(self, context: Context) -> Mapping[str, Spec]:
        leaves = 2 ** settings_of(context.experiment).depth
        counts = Spec((self._trees(context), leaves, len(context.classes)), "int32")
        # By round: what is late must count for the trees it is of.
        declared = {}
        for number in range(1, context.experiment.rounds.count + 1):
            if self._private or number % 2 == 0:
                declared[_of_round(COUNTS, number)] = counts
            else:
                declared[_of_round(TREES, number)] = Spec((), "bytes")
        return declared

    def measures(self, state: State, context: Context) -> dict[str, float]:
        return {"refused_forests": float(state[REFUSED])} if REFUSED in state else {}

    def _trees(self, context: Context) -> int:
        """How many trees are counted in at a time, at most."""
        if self._private:
            return settings_of(context.experiment).trees
        return _of_each(context) * context.clients


class Sums(WeightedMean):
    """Sums of leaf counts, which is all that a round needs; of anything else the weighted mean."""

    def reduce(self, updates: Iterable[Update]) -> Aggregate:
        sums: Tensors = {}

        def others() -> Iterator[Update]:
            for update in updates:
                counts = with_prefix(update.tensors, COUNTS)
                for name, array in counts.items():
                    weight = longest_prefix(update.weights, name)
                    sums[name] = sums.get(name, 0.0) + (1.0 if weight is None else weight) * array
                rest = {n: a for n, a in update.tensors.items() if n not in counts}
                yield replace(update, tensors=rest)

        aggregate = super().reduce(others())
        return replace(aggregate, tensors=aggregate.tensors | sums)


class SumsAndTrees(Sums):
    """The same, and every client's trees as they came: it looks at single updates."""

    needs = "updates"

    def reduce(self, updates: Iterable[Update]) -> Aggregate:
        trees: Tensors = {}

        def watched() -> Iterator[Update]:
            for number, update in enumerate(updates):
                for name, payload in update.blobs.items():
                    trees[f"{name}/{number:06d}"] = np.frombuffer(payload, np.uint8)
                yield update

        aggregate = super().reduce(watched())
        return replace(aggregate, tensors=aggregate.tensors | trees)


def _random_trees(context: Context, number: int) -> Forest:
    """The splits of a round, which follow from public settings alone."""
    experiment = context.experiment
    settings, columns = settings_of(experiment), context.embedding_dim
    return random_trees(
        grid_of(experiment, columns),
        settings.trees,
        settings.depth,
        len(context.classes),
        seed_for(experiment.seed, "random trees", number),
    )


def _sound(payload: Any, context: Context) -> Forest | None:
    """A client's bytes as a forest of our columns and classes, not larger than asked for; else None."""
    try:
        forest = undecided(read(payload.tobytes(), TREES))
    except UserError:
        return None
    depth = settings_of(context.experiment).depth
    fits = (forest.columns, forest.classes) == (context.embedding_dim, len(context.classes))
    small = forest.trees <= _of_each(context) and forest.child.shape[1] < 2 ** (depth + 1)
    return forest if fits and small and forest.depth <= depth else None


def _of_each(context: Context) -> int:
    """How many trees each client grows."""
    return ceil(settings_of(context.experiment).trees / context.clients)


def _of_round(name: str, number: int) -> str:
    return f"{name}/{number:06d}"
