"""The federated forest: what leaves clients in either mode, and what the server makes of it."""

from dataclasses import replace

import numpy as np
import pytest

from fedaffect.corpus.partition import pooled
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.federation.algorithms.base import Client, Context
from fedaffect.federation.algorithms.forest import FederatedForest, Sums
from fedaffect.federation.client_side import RefusedError, guard
from fedaffect.federation.conditions import discounted
from fedaffect.federation.engines.local import LocalEngine
from fedaffect.federation.simulation import Simulation
from fedaffect.federation.update import Update
from fedaffect.inference.forest import Forest, read, write
from fedaffect.learning.forest import ForestLearner
from fedaffect.learning.forest_random import leaf_counts, random_trees, standard_grid
from fedaffect.randomness import seed_for

FOREST = "model={name='forest', trees=9, depth=3}"
BAGGING = "algorithm={name='forest', mode='bagging', accept_leakage=true}"


@pytest.fixture
def corpus(make_corpus):
    return make_corpus(conversations=10, turns=15, missing=0.2)


def experiment(*settings):
    return Experiment().with_settings(
        ["algorithm.name=forest", FOREST, "partition.clients=4", "rounds.count=2", *settings]
    )


@pytest.fixture
def run(corpus, tmp_path):
    """Run an experiment to its end with forests; the simulation and its outcome."""

    def execute(*settings, name="run", wrap=None):
        given = experiment(*settings)
        simulation = Simulation(given, corpus, ForestLearner(corpus, given), tmp_path / name)
        if wrap:
            simulation._engine = wrap(simulation._engine)
        return simulation, simulation.run("test")

    return execute


class Spy:
    """An engine that keeps every update that a client hands over."""

    def __init__(self, engine):
        self._engine, self.updates = engine, {"train": [], "statistics": []}

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def exchange(self, stage, messages):
        for reply in self._engine.exchange(stage, messages):
            self.updates[stage].append(reply.update)
            yield reply


@pytest.fixture
def spied(run):
    def execute(*settings):
        spies = []

        def wrap(engine):
            assert isinstance(engine, LocalEngine)
            spies.append(Spy(engine))
            return spies[0]

        simulation, outcome = run(*settings, wrap=wrap)
        return simulation, outcome, spies[0].updates

    return execute


def test_nothing_but_sums_of_leaf_one_hots_leaves_a_client(spied, corpus):
    simulation, _, updates = spied("features.standardise=none")
    assert updates["statistics"] == []  # not even means of features: the ranges are public
    assert len(updates["train"]) == 2 * 4
    learner = ForestLearner(corpus, simulation.experiment)
    for position, update in enumerate(updates["train"]):
        number, client = divmod(position, 4)
        name = f"forest/leaf_counts/{number + 1:06d}"
        assert update.tensors.keys() == {name}
        assert not {**update.scalars, **update.weights, **update.fallback, **update.blobs}
        seed = seed_for(simulation.experiment.seed, "random trees", number + 1)
        trees = random_trees(standard_grid(7, 31), trees=9, depth=3, classes=3, seed=seed)
        expected = leaf_counts(trees, *learner.table(simulation.shares[client].supervised))
        np.testing.assert_array_equal(update.tensors[name], expected)


def test_with_statistics_only_their_sums_leave_before(spied):
    _, _, updates = spied()
    for update in updates["statistics"]:
        assert {name.rpartition("/")[2] for name in update.tensors} == {"mean", "mean_square"}
    for update in updates["train"]:
        assert {name.rpartition("/")[0] for name in update.tensors} == {"forest/leaf_counts"}


def test_the_state_holds_what_one_client_with_everything_would_send(run, corpus):
    simulation, outcome = run("features.standardise=none", "rounds.selection=last")
    learner = ForestLearner(corpus, simulation.experiment)
    for number in (1, 2):
        seed = seed_for(simulation.experiment.seed, "random trees", number)
        trees = random_trees(standard_grid(7, 31), trees=9, depth=3, classes=3, seed=seed)
        everything = leaf_counts(trees, *learner.table(pooled(corpus)[0].supervised))
        kept = outcome.state[f"server/forest/leaf_counts/{number:06d}"]
        np.testing.assert_array_equal(kept, everything)


@pytest.mark.parametrize("mode", [(), (BAGGING,)])
def test_it_learns_and_resumes_and_shares_out_as_it_may(run, mode):
    simulation, outcome = run(*mode)
    assert outcome.test.summary()["global"]["accuracy"] > 0.8
    again = Simulation(
        simulation.experiment, simulation.corpus, simulation._learner, simulation._events.parent
    ).run("test")
    assert again.test.summary() == outcome.test.summary()


def test_how_people_are_shared_out_does_not_matter_to_sums(run):
    one = run("features.standardise=none", "partition.clients=1", name="one")
    many = run("features.standardise=none", "partition.clients=8", name="many")
    assert one[1].test.summary()["global"] == many[1].test.summary()["global"]


def test_every_round_adds_trees(run, corpus):
    simulation, outcome = run("rounds.selection=last")
    ((_, tensors),) = simulation.models(outcome)
    assert tensors["model/child"].shape == (18, 15)
    _, outcome = run(BAGGING, "rounds.selection=last", name="bagging")
    tensors = simulation_model(outcome, simulation)
    assert len(tensors["model/child"]) == 2 * 4 * 3  # nine trees among four clients: three each


def simulation_model(outcome, simulation):
    algorithm = FederatedForest({"mode": "bagging", "accept_leakage": True})
    return algorithm.model_for(outcome.state, {}, simulation.context)


def test_before_anything_was_heard_the_model_is_undecided(run):
    simulation, _ = run()
    found = FederatedForest({}).model_for({}, {}, simulation.context)
    assert found is simulation.context.initial


def test_bagging_is_refused_without_consent():
    with pytest.raises(UserError, match=r"arXiv 2402\.19232\); set accept_leakage=true"):
        FederatedForest({"mode": "bagging"})


def test_bagging_sends_one_declared_blob(spied):
    _, _, updates = spied(BAGGING)
    for update in updates["train"]:
        assert (set(update.blobs), update.tensors, update.scalars) == ({"forest/trees"}, {}, {})
        assert read(update.blobs["forest/trees"], "here").trees == 3


def test_modes_do_not_send_each_others_things(run):
    simulation, _ = run()
    private, bagging = (
        FederatedForest(settings).leaves(simulation.context)
        for settings in ({}, {"mode": "bagging", "accept_leakage": True})
    )
    with pytest.raises(RefusedError, match="forest/trees"):
        guard(Update(blobs={"forest/trees": b""}), private)
    counts = np.zeros((9, 8, 3), np.int32)
    guard(Update({"forest/leaf_counts/000002": counts}), private)
    for declared, name in ((private, "forest/leaf_counts/000003"), (bagging, "forest/trees")):
        with pytest.raises(RefusedError, match=name):
            guard(Update({name: counts}), declared)


def counted(value, **more):
    return Update({"forest/leaf_counts/000001": np.full((1, 2, 1), value, np.int32)}, **more)


def test_sums_are_sums_and_means_stay_means():
    mean = {"features/a/mean": np.array([3.0])}
    updates = [counted(2), counted(5), Update(mean), Update({"features/a/mean": np.array([1.0])})]
    found = Sums().reduce(updates)
    np.testing.assert_array_equal(found.tensors["forest/leaf_counts/000001"], [[[7], [7]]])
    assert found.tensors["features/a/mean"] == 2
    assert found.updates == 4


def test_late_counts_join_the_trees_they_are_of(run):
    simulation, _ = run()
    algorithm = FederatedForest({})
    state = {}
    late = discounted(counted(4), 0.5)
    for number, updates in ((1, [counted(2)]), (2, [late])):
        aggregate = algorithm.aggregator.reduce(updates)
        context = replace(simulation.context, round=number)
        state = algorithm.server_round(state, aggregate, context)
    np.testing.assert_array_equal(state["server/forest/leaf_counts/000001"], [[[4], [4]]])


@pytest.fixture
def bagging_round(run):
    """A server's round over the given bytes."""
    simulation, outcome = run(BAGGING, "rounds.count=1")
    algorithm = simulation.algorithm
    context = replace(simulation.context, round=1)
    sound = outcome.state["server/forest/trees/000001/000000"].tobytes()

    def play(*payloads):
        updates = [Update(blobs={"forest/trees": payload}) for payload in payloads]
        state = algorithm.server_round({}, algorithm.aggregator.reduce(updates), context)
        return algorithm.measures(state, context), algorithm.model_for(state, {}, context)

    return play, sound


def altered(payload, **changes):
    forest = read(payload, "here")
    return write(replace(forest, **changes))


def test_malformed_trees_cost_one_client_not_the_round(bagging_round):
    """Too short; of other columns; too many; pooled in another way; and one that is as it should be."""
    play, sound = bagging_round
    forest = read(sound, "here")
    twice = {n: np.concatenate([getattr(forest, n)] * 2) for n in ("feature", "threshold", "child")}
    many = Forest(
        **twice, probability=np.concatenate([forest.probability] * 2), columns=7, pool="mean"
    )
    measures, model = play(
        sound[:-5],
        altered(sound, columns=8),
        write(many),
        altered(sound, pool="geometric"),
        b"",
        sound,
    )
    assert measures == {"refused_forests": 5.0}
    assert len(model["model/child"]) == forest.trees


def test_a_client_with_too_little_sends_nothing(run, corpus):
    simulation, _ = run(BAGGING)
    share = replace(simulation.shares[0], supervised=simulation.shares[0].supervised[:4])
    context = replace(simulation.context, round=1)
    learner = ForestLearner(corpus, simulation.experiment)
    client = Client(0, share, learner, corpus.label, np.zeros(3, np.int64), context)
    assert simulation.algorithm.client_round({}, client, {})[0] == Update()


def test_who_holds_no_forest_is_told(stub, corpus):
    given = experiment()
    context = Context(given, corpus.classes, 1, {}, 7)
    learner = stub(corpus, np.zeros((len(corpus), 7)), {})
    client = Client(0, pooled(corpus)[0], learner, corpus.label, np.zeros(3), context)
    with pytest.raises(UserError, match=r"use model\.name=forest"):
        FederatedForest({}).client_round({}, client, {})
    other = replace(context, experiment=given.with_settings(["model={name='sdt'}"]))
    with pytest.raises(UserError, match=r"use model\.name=forest"):
        FederatedForest({}).initial(other)


def test_more_trees_than_a_forest_may_have_are_refused_at_once(run):
    with pytest.raises(UserError, match="10000 over all rounds"):
        run("model.trees=500", "rounds.count=20")


@pytest.mark.parametrize("name", ["local", "centralised"])
def test_the_bounds_from_below_and_above_hold_forests_too(run, name):
    _, outcome = run(f"algorithm.name={name}", "rounds.count=1")
    (scores,) = (s for mode, s in outcome.test.summary().items() if mode != "personal")
    assert scores["accuracy"] > 0.6


def test_forests_are_not_averaged(run):
    with pytest.raises(UserError, match=r"algorithm\.name=forest"):
        run("algorithm.name=fedavg")
