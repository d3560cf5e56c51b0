"""A random forest learnt together: trees that no data chose and all count in, or everybody's own trees."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from math import ceil
from typing import Any, Literal, Self

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
from fedaffect.federation.update import Update, longest_prefix
from fedaffect.inference.forest import MAXIMUM_TREES, Forest, joined, read, write
from fedaffect.learning.forest import ForestLearner, as_model, grid_of, settings_of
from fedaffect.learning.forest_random import leaf_counts, random_trees, with_counts
from fedaffect.learning.learner import Tensors
from fedaffect.randomness import seed_for

COUNTS = "forest/leaf_counts"
TREES = "forest/trees"
REFUSED = "server/forest/refused"


class FederatedForest(Algorithm):
    """Each round adds `model.trees` trees to the forest; one round suffices.

    `private`: trees follow from the experiment's seed and public ranges (`learning.forest_random`). What a
    client sends is the sum of its items' leaf one-hots and nothing else, so that a server which only sees
    totals learns as well. An item changes `trees` numbers by one in each round it takes part in: noise
    of a Gaussian mechanism is scaled by √(trees · rounds), of a person with n items by n times that.

    `bagging`: a client sends its part of the trees, grown on its own items (`learning.forest_bagging`). They
    tell about those items, so it must be agreed to.
    """

    class Settings(Section):
        mode: Literal["private", "bagging"] = Field(
            "private", description="private: sums of leaf one-hots leave; bagging: trees do"
        )
        accept_leakage: bool = Field(
            False, description="of bagging: agreed that trees tell what they were grown on"
        )
        smoothing: float = Field(
            1.0, gt=0, description="of private: items' worth of its parent that a leaf is drawn to"
        )
        sharpness: float = Field(
            4.0, gt=0, description="of private: independent trees that all together count as"
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
        self.aggregator = Sums() if self._private else Collected()

    def initial(self, context: Context) -> State:
        trees = settings_of(context.experiment).trees * context.experiment.rounds.count
        if trees > MAXIMUM_TREES // 2:  # bagging rounds up for each client
            raise UserError(
                f"model forest: trees: {trees} over all rounds; at most {MAXIMUM_TREES // 2}"
            )
        return {}

    def client_round(self, state: State, client: Client, memory: Tensors) -> tuple[Update, Tensors]:
        context, learner = client.context, client.learner
        if not isinstance(learner, ForestLearner):
            raise UserError("algorithm forest: the clients hold no forest; use model.name=forest")
        learner.set(features(state))
        if self._private:
            forest = _random_trees(context, context.round)
            counts = leaf_counts(forest, *learner.table(client.share.supervised))
            return Update({_counts(context.round): counts}), {}
        trees = ceil(client.work * learner.settings.trees / context.clients)
        seed = seed_for(context.experiment.seed, "trees", context.round, client.index)
        grown = learner.grown(client.share.supervised, trees, seed)
        return Update(blobs={TREES: write(grown)} if grown else {}), {}

    def server_round(self, state: State, aggregate: Aggregate, context: Context) -> State:
        state, refused = dict(state), int(state.get(REFUSED, 0))
        for name, array in aggregate.tensors.items():
            if self._private:
                kept = f"server/{name}"
                state[kept] = state.get(kept, 0.0) + array
            elif _fits(array, context):
                number = name.removeprefix(TREES)
                state[f"server/{TREES}/{context.round:06d}{number}"] = array
            else:
                refused += 1
        return {**state, REFUSED: np.array(refused)}

    def model_for(self, state: State, memory: Tensors, context: Context) -> Tensors:
        forests = []
        for name, counts in with_prefix(state, f"server/{COUNTS}").items():
            forest = _random_trees(context, int(name.rpartition("/")[2]))
            smoothing, sharpness = self.settings.smoothing, self.settings.sharpness
            forests.append(with_counts(forest, counts, smoothing, sharpness))
        for name, trees in with_prefix(state, f"server/{TREES}").items():
            forests.append(read(trees.tobytes(), name))
        return as_model(joined(forests)) if forests else context.initial

    def leaves(self, context: Context) -> Mapping[str, Spec]:
        if not self._private:
            return {TREES: Spec((), "bytes")}
        settings = settings_of(context.experiment)
        counts = Spec((settings.trees, 2**settings.depth, len(context.classes)), "int32")
        # By round: an update that is late must count for the trees it is of.
        return {_counts(r): counts for r in range(1, context.experiment.rounds.count + 1)}

    def measures(self, state: State, context: Context) -> dict[str, float]:
        return {"refused_forests": float(state[REFUSED])} if not self._private else {}


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
                yield replace(update, tensors=_without(update.tensors, counts))

        aggregate = super().reduce(others())
        return replace(aggregate, tensors=aggregate.tensors | sums)


class Collected(WeightedMean):
    """Every client's trees, as they came; it looks at single updates. Of anything else the weighted mean."""

    linear = False

    def reduce(self, updates: Iterable[Update]) -> Aggregate:
        trees: Tensors = {}

        def watched() -> Iterator[Update]:
            for number, update in enumerate(updates):
                if TREES in update.blobs:
                    payload = np.frombuffer(update.blobs[TREES], np.uint8)
                    trees[f"{TREES}/{number:06d}"] = payload
                yield update

        aggregate = super().reduce(watched())
        return replace(aggregate, tensors=aggregate.tensors | trees)


def _random_trees(context: Context, number: int) -> Forest:
    """The trees of a round, undecided: what everybody can work out by themselves."""
    experiment = context.experiment
    settings, columns = settings_of(experiment), context.embedding_dim
    return random_trees(
        grid_of(experiment, columns),
        settings.trees,
        settings.depth,
        len(context.classes),
        seed_for(experiment.seed, "random trees", number),
    )


def _fits(payload: Any, context: Context) -> bool:
    """Whether a client's bytes are a forest, of our columns and classes and no more trees than asked for."""
    try:
        forest = read(payload.tobytes(), TREES)
    except UserError:
        return False
    asked = ceil(settings_of(context.experiment).trees / context.clients)
    kind = forest.columns, forest.classes, forest.pool
    ours = context.embedding_dim, len(context.classes), "mean"
    return kind == ours and forest.trees <= asked


def _counts(number: int) -> str:
    return f"{COUNTS}/{number:06d}"


def _without(tensors: Tensors, some: Tensors) -> Tensors:
    return {name: array for name, array in tensors.items() if name not in some}
