"""The federated forest: what leaves clients in either mode, and what the server makes of it."""

from dataclasses import replace

import numpy as np
import pytest

from fedaffect.corpus.partition import all_in_one_client
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.federation.algorithms.base import Client, Context
from fedaffect.federation.algorithms.forest import FederatedForest, Sums
from fedaffect.federation.engines.local import LocalEngine
from fedaffect.federation.faults import discounted
from fedaffect.federation.messages.declarations import ensure_declared
from fedaffect.federation.messages.reply import RefusedError
from fedaffect.federation.messages.update import Update
from fedaffect.federation.simulation import Simulation
from fedaffect.inference.forest import Forest, joined, padded, read, write
from fedaffect.learning.forest.counts import leaf_counts, undecided, with_counts
from fedaffect.learning.forest.learner import ForestLearner
from fedaffect.learning.forest.random_splits import random_trees, standard_grid
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
        self._engine, self.updates = engine, {"fit": [], "statistics": []}

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
    assert len(updates["fit"]) == 2 * 4
    learner = ForestLearner(corpus, simulation.experiment)
    for position, update in enumerate(updates["fit"]):
        number, client = divmod(position, 4)
        name = f"forest/leaf_counts/{number + 1:06d}"
        assert update.tensors.keys() == {name}
        assert not {**update.scalars, **update.weights, **update.fallback, **update.blobs}
        seed = seed_for(simulation.experiment.seed, "random trees", number + 1)
        trees = random_trees(standard_grid(7, 31), trees=9, depth=3, classes=3, seed=seed)
        expected = leaf_counts(trees, *learner.table(simulation.client_data[client].supervised), 8)
        np.testing.assert_array_equal(update.tensors[name], expected)


def test_with_statistics_only_their_sums_leave_before(spied):
    _, _, updates = spied()
    for update in updates["statistics"]:
        assert {name.rpartition("/")[2] for name in update.tensors} == {"mean", "mean_square"}
    for update in updates["fit"]:
        assert {name.rpartition("/")[0] for name in update.tensors} == {"forest/leaf_counts"}


def test_the_state_holds_what_one_client_with_everything_would_send(run, corpus):
    simulation, outcome = run("features.standardise=none", "rounds.selection=last")
    learner = ForestLearner(corpus, simulation.experiment)
    for number in (1, 2):
        seed = seed_for(simulation.experiment.seed, "random trees", number)
        trees = random_trees(standard_grid(7, 31), trees=9, depth=3, classes=3, seed=seed)
        everything = leaf_counts(trees, *learner.table(all_in_one_client(corpus)[0].supervised), 8)
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


def test_bagging_counts_everybody_in_everybodys_trees(run, corpus):
    simulation, outcome = run(BAGGING, "rounds.selection=last")
    learner = ForestLearner(corpus, simulation.experiment)
    learner.set({n: a for n, a in outcome.state.items() if n.startswith("features/")})
    joint = read(outcome.state["server/forest/trees/000002"].tobytes(), "here")
    assert joint.trees == 12  # nine trees among four clients: three each
    everything = leaf_counts(joint, *learner.table(all_in_one_client(corpus)[0].supervised), 8)
    kept = outcome.state["server/forest/leaf_counts/000002"]
    np.testing.assert_array_equal(kept, everything)
    assert "forest/trees" not in outcome.state  # no longer broadcast
    ((_, tensors),) = simulation.models(outcome)
    expected = with_counts(joint, everything, smoothing=1, sharpness=4)
    np.testing.assert_allclose(tensors["model/probability"], expected.probability, rtol=1e-6)


def test_how_people_are_shared_out_does_not_matter_to_sums(run):
    one = run("features.standardise=none", "partition.clients=1", name="one")
    many = run("features.standardise=none", "partition.clients=8", name="many")
    assert one[1].test.summary()["global"] == many[1].test.summary()["global"]


def test_every_round_adds_trees(run):
    simulation, outcome = run("rounds.selection=last")
    ((_, tensors),) = simulation.models(outcome)
    assert tensors["model/child"].shape == (18, 15)
    simulation, outcome = run(BAGGING, "rounds.selection=last", "rounds.count=4", name="bagging")
    ((_, tensors),) = simulation.models(outcome)
    assert len(tensors["model/child"]) == 2 * 4 * 3  # every second round, three of each client


def test_before_anything_was_heard_the_model_is_undecided(run):
    simulation, _ = run()
    found = FederatedForest({}).model_for({}, {}, simulation.context)
    assert found is simulation.context.initial


def test_bagging_is_refused_without_consent():
    with pytest.raises(UserError, match=r"arXiv 2402\.19232\); set accept_leakage=true"):
        FederatedForest({"mode": "bagging"})


@pytest.mark.parametrize("rounds", [1, 3])
def test_bagging_takes_two_rounds_a_time(run, rounds):
    with pytest.raises(UserError, match=rf"rounds\.count is {rounds}; set rounds\.count=2"):
        run(BAGGING, f"rounds.count={rounds}")


def test_bagging_sends_splits_without_what_their_leaves_say_then_counts(spied):
    _, _, updates = spied(BAGGING)
    assert len(updates["fit"]) == 2 * 4
    for update in updates["fit"][:4]:
        assert (set(update.blobs), update.tensors) == ({"forest/trees/000001"}, {})
        forest = read(update.blobs["forest/trees/000001"], "here")
        assert (forest.trees, forest.pool) == (3, "geometric")
        np.testing.assert_array_equal(forest.probability[forest.is_leaf], np.float32(1 / 3))
    for update in updates["fit"][4:]:
        assert (update.tensors.keys(), update.blobs) == ({"forest/leaf_counts/000002"}, {})
    for update in updates["fit"]:
        assert not {**update.scalars, **update.weights, **update.fallback}


def test_who_missed_the_round_for_trees_still_counts(run, corpus):
    """And where nobody's trees arrived, there is nothing to count in."""
    simulation, outcome = run(BAGGING)
    data, learner = simulation.client_data[0], ForestLearner(corpus, simulation.experiment)
    context = replace(simulation.context, round=2)
    client = Client(0, data, learner, corpus.label, np.zeros(3, np.int64), context)
    trees = {"forest/trees": outcome.state["server/forest/trees/000002"]}
    update, memory = simulation.algorithm.client_round(trees, client, {})
    assert update.tensors["forest/leaf_counts/000002"].sum() == 12 * data.volume
    assert (memory, simulation.algorithm.client_round({}, client, {})) == ({}, (Update(), {}))


def test_modes_do_not_send_each_others_things(run):
    simulation, _ = run()
    private, bagging = (
        FederatedForest(settings).declared_updates(simulation.context)
        for settings in ({}, {"mode": "bagging", "accept_leakage": True})
    )
    with pytest.raises(RefusedError, match="forest/trees/000001"):
        ensure_declared(Update(blobs={"forest/trees/000001": b""}), private)
    counts = np.zeros((9, 8, 3), np.int32)
    ensure_declared(Update({"forest/leaf_counts/000002": counts}), private)
    for declared, number in ((private, 3), (bagging, 1)):
        name = f"forest/leaf_counts/{number:06d}"
        with pytest.raises(RefusedError, match=name):
            ensure_declared(Update({name: counts}), declared)


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
def bagging_round(run, corpus):
    """A server's round for trees over the given bytes: its figures, and the trees to count in."""
    simulation, _ = run(BAGGING)
    algorithm = simulation.algorithm
    context = replace(simulation.context, round=1)
    learner = ForestLearner(corpus, simulation.experiment)
    sound = write(undecided(learner.grown(simulation.client_data[0].supervised, trees=3, seed=0)))

    def play(*payloads, name="forest/trees/000001"):
        updates = [Update(blobs={name: payload}) for payload in payloads]
        state = algorithm.server_round({}, algorithm.aggregator.reduce(updates), context)
        return algorithm.measures(state, context), state

    return play, sound


def altered(payload, **changes):
    forest = read(payload, "here")
    return write(replace(forest, **changes))


def wide(payload, nodes):
    return write(padded(read(payload, "here"), nodes))


def test_malformed_trees_cost_one_client_not_the_round(bagging_round):
    """Too short; of other columns; too many; too wide to be so shallow; nothing; and one as it should be."""
    play, sound = bagging_round
    forest = read(sound, "here")
    twice = write(joined([forest, forest]))
    measures, state = play(
        sound[:-5], altered(sound, columns=8), twice, wide(sound, 16), b"", sound
    )
    assert measures == {"refused_forests": 5.0}
    assert read(state["forest/trees"].tobytes(), "here").trees == forest.trees


def test_trees_that_are_too_deep_are_refused(bagging_round):
    play, _ = bagging_round
    feature, child = np.zeros((2, 1, 9), np.int16)
    child[0, [0, 2, 4, 6]] = [1, 3, 5, 7]
    probability = np.zeros((1, 9, 3), np.float32)
    probability[0, [1, 3, 5, 7, 8], 0] = 1
    deep = Forest(feature, np.zeros((1, 9), np.float32), child, probability, columns=7)
    assert play(write(deep))[0] == {"refused_forests": 1.0}


def test_what_leaves_say_is_not_taken_over(bagging_round):
    play, sound = bagging_round
    forest = read(sound, "here")
    loud = np.where(forest.is_leaf[..., None], np.eye(3, dtype=np.float32)[0], np.float32(0))
    _, state = play(altered(sound, probability=loud, pool="mean"))
    found = read(state["forest/trees"].tobytes(), "here")
    np.testing.assert_array_equal(found.probability, forest.probability)


def test_trees_that_are_late_are_not_counted_in(bagging_round):
    play, sound = bagging_round
    _, state = play(sound, name="forest/trees/000003")
    assert "forest/trees" not in state


def test_a_client_with_too_little_sends_nothing(run, corpus):
    simulation, _ = run(BAGGING)
    data = replace(simulation.client_data[0], supervised=simulation.client_data[0].supervised[:4])
    context = replace(simulation.context, round=1)
    learner = ForestLearner(corpus, simulation.experiment)
    client = Client(0, data, learner, corpus.label, np.zeros(3, np.int64), context)
    assert simulation.algorithm.client_round({}, client, {})[0] == Update()


def test_who_holds_no_forest_is_told(stub, corpus):
    given = experiment()
    context = Context(given, corpus.classes, 1, {}, 7)
    learner = stub(corpus, np.zeros((len(corpus), 7)), {})
    client = Client(0, all_in_one_client(corpus)[0], learner, corpus.label, np.zeros(3), context)
    with pytest.raises(UserError, match=r"model\.name=forest"):
        FederatedForest({}).client_round({}, client, {})
    other = replace(context, experiment=given.with_settings(["model={name='sdt'}"]))
    with pytest.raises(UserError, match=r"model\.name=forest"):
        FederatedForest({}).initial(other)


def test_more_trees_than_a_forest_may_have_are_refused_at_once(run):
    with pytest.raises(UserError, match="10500 in all rounds; at most 10000"):
        run("model.trees=500", "rounds.count=21")
    with pytest.raises(UserError, match="10080 in all rounds; at most 10000"):
        run(BAGGING, "model.trees=501", "rounds.count=40")  # 126 of each of four clients


@pytest.mark.parametrize("name", ["local", "centralised"])
def test_the_bounds_from_below_and_above_hold_forests_too(run, name):
    _, outcome = run(f"algorithm.name={name}", "rounds.count=1")
    (scores,) = (s for mode, s in outcome.test.summary().items() if mode != "personal")
    assert scores["accuracy"] > 0.6


def test_forests_are_not_averaged(run):
    with pytest.raises(UserError, match="cannot be averaged; use forest"):
        run("algorithm.name=fedavg")
