"""The learner of a client that holds a forest."""

from dataclasses import replace

import numpy as np
import pytest

from fedaffect.corpus.partition import all_in_one_client
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.learning.forest.learner import ForestLearner
from fedaffect.learning.forest.model import grid_of
from fedaffect.learning.forest.random_splits import standard_grid
from fedaffect.learning.learner import FitOptions
from fedaffect.schema import ClientData


def experiment(*settings):
    forest = ("algorithm.name=forest", "model={name='forest', trees=9, depth=4}")
    return Experiment().with_settings([*forest, *settings])


@pytest.fixture
def corpus(make_corpus):
    return make_corpus(conversations=6, turns=12, missing=0.3)


@pytest.fixture
def learner(corpus):
    return ForestLearner(corpus, experiment())


def statistics(corpus, mean=2.0, scale=4.0):
    return {
        f"features/{m}/{part}": np.full(array.shape[1:], value, np.float32)
        for m, array in corpus.features.items()
        for part, value in (("mean", mean), ("scale", scale))
    }


def test_the_table_is_all_columns_side_by_side(corpus, learner):
    rows, label = learner.table(np.array([3, 1]))
    there = corpus.present["audio"][[3, 1]]
    audio = np.where(there[:, None], corpus.features["audio"][[3, 1]], 0)
    np.testing.assert_array_equal(rows[:, :3], audio)
    np.testing.assert_array_equal(rows[:, 3:], corpus.features["text"][[3, 1]])
    np.testing.assert_array_equal(label, corpus.label[[3, 1]])
    assert learner.embedding_dim == 7


def test_an_absent_modality_reads_as_the_mean(corpus, learner):
    learner.set(statistics(corpus))
    rows, _ = learner.table(np.arange(len(corpus)))
    there = corpus.present["audio"]
    np.testing.assert_array_equal(rows[~there, :3], 0)
    np.testing.assert_allclose(rows[there, :3], (corpus.features["audio"][there] - 2) / 4)


def test_it_learns_what_there_is_to_learn(corpus, learner):
    data = all_in_one_client(corpus)[0]
    fit = learner.fit(data, FitOptions(seed=0))
    outputs = learner.predict(corpus.conversations_in("test"))
    assert (outputs.probability.argmax(axis=1) == corpus.label[outputs.item]).mean() > 0.8
    assert (fit.steps, fit.parts) == (9, {})
    assert 0 < fit.loss < np.log(3)
    assert outputs.embedding.shape == (12, 7)
    np.testing.assert_allclose(outputs.modality_weights.sum(axis=1), 1)
    np.testing.assert_array_equal(outputs.item, np.arange(60, 72))


def test_a_straggler_grows_fewer_trees(corpus, learner):
    assert (
        learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=0, completed_fraction=0.3)).steps
        == 3
    )


def test_shapes_stay_whatever_is_grown(corpus, learner):
    before = {n: (a.shape, a.dtype) for n, a in learner.get().items()}
    learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=0))
    assert {n: (a.shape, a.dtype) for n, a in learner.get().items()} == before


def test_get_and_set(corpus, learner):
    learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=0))
    other = ForestLearner(corpus, experiment())
    conversations = corpus.conversations_in("dev")
    undecided = other.predict(conversations).probability
    np.testing.assert_allclose(undecided, 1 / 3)
    other.set(learner.get())
    np.testing.assert_array_equal(
        other.predict(conversations).probability, learner.predict(conversations).probability
    )


def test_a_forest_of_other_columns_is_refused(make_corpus, learner):
    narrow = make_corpus(modalities={"text": 2})
    with pytest.raises(UserError, match="of 2 columns and 3 classes; use one of 7 and 3"):
        learner.set(ForestLearner(narrow, experiment()).get())


def test_a_damaged_forest_is_refused_and_the_old_one_stays(corpus, learner):
    learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=0))
    tensors = learner.get()
    broken = {**tensors, "model/threshold": tensors["model/threshold"] * np.nan}
    with pytest.raises(UserError, match=r"threshold: not finite$"):
        learner.set(broken)
    np.testing.assert_array_equal(learner.get()["model/threshold"], tensors["model/threshold"])


@pytest.mark.parametrize("part", ["mean", "scale"])
def test_half_of_a_modalitys_statistics_are_refused(corpus, learner, part):
    before = learner.get()["model/child"]
    learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=0))
    half = statistics(corpus)
    del half[f"features/audio/{part}"]
    other = ForestLearner(corpus, experiment())
    with pytest.raises(UserError, match="`features/audio`: not a mean and a scale of shape"):
        other.set({**learner.get(), **half})
    np.testing.assert_array_equal(other.get()["model/child"], before)


def test_too_few_items_leave_it_as_it_was(learner):
    before = learner.get()
    fit = learner.fit(ClientData("few", np.array([0]), np.arange(4)), FitOptions(seed=0))
    assert (fit.steps, fit.loss) == (0, 0.0)
    np.testing.assert_array_equal(learner.get()["model/child"], before["model/child"])


def test_it_learns_from_what_the_client_sees(corpus, learner):
    """A client with labels of its own and without a modality: neither is looked up elsewhere."""
    data = all_in_one_client(corpus)[0]
    hidden = {"audio": np.ones(len(corpus), bool)}
    own = replace(data, label=np.zeros(data.volume, np.int64), hidden=hidden)
    with learner.using_view(own.view(corpus)):
        rows, label = learner.table(data.supervised)
        assert (rows[:, :3] == 0).all()
        assert (label == 0).all()
    assert (learner.table(data.supervised)[1] != 0).any()


@pytest.mark.parametrize(
    "demand", [{"extra_loss": lambda *_: 0}, {"only": ["model/child"]}, {"teacher": np.ones(1)}]
)
def test_who_needs_a_gradient_is_told(corpus, learner, demand):
    with pytest.raises(UserError, match="changes gradients, and a forest has none"):
        learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=0, **demand))


@pytest.mark.parametrize("algorithm", ["fedavg", "fedprox", "fedproto"])
def test_an_algorithm_that_cannot_do_with_forests_is_refused_at_once(corpus, algorithm):
    with pytest.raises(UserError, match=f"algorithm.name: `{algorithm}`: .*; use forest, local or"):
        ForestLearner(corpus, experiment(f"algorithm.name={algorithm}"))


@pytest.mark.parametrize("algorithm", ["local", "centralised", "own.module:Algorithm"])
def test_who_needs_neither_a_gradient_nor_a_mean_may_have_forests(corpus, algorithm):
    assert ForestLearner(corpus, experiment(f"algorithm.name={algorithm}")).embedding_dim == 7


def test_images_are_refused(make_corpus):
    corpus = make_corpus()
    images = np.zeros((len(corpus), 4, 4), np.uint8)
    seen = replace(corpus, features={**corpus.features, "text": images})
    with pytest.raises(UserError, match="modality `text`: a forest reads vectors"):
        ForestLearner(seen, experiment())


def test_the_grid_is_of_standard_deviations_or_of_ranges():
    np.testing.assert_array_equal(grid_of(experiment("model.levels=3"), 2), standard_grid(2, 3))
    raw = experiment("features.standardise=none", "model.levels=1", "model.ranges=[[20,40],[0,1]]")
    np.testing.assert_array_equal(grid_of(raw, 2), [[30], [0.5]])


@pytest.mark.parametrize(
    ("settings", "trouble"),
    [
        (("model.ranges=[[20,40],[0,1]]",), "set features.standardise=none"),
        (
            ("model.ranges=[[20,40]]", "features.standardise=none"),
            "ranges: 1; give 2, one a column",
        ),
        (
            ("model.ranges=[[20,40],[1,1]]", "features.standardise=none"),
            "ranges: 1 to 1 of column 1",
        ),
        (
            ("model.ranges=[[20,inf],[0,1]]", "features.standardise=none"),
            "ranges: 20 to inf of column 0",
        ),
        (("model.leaf=4",), "model forest: leaf: "),
        (("model.bark=4",), "bark: no such setting"),
        (("model={name='sdt'}",), "`sdt` is no forest"),
    ],
)
def test_settings_that_make_no_grid(settings, trouble):
    with pytest.raises(UserError, match=trouble):
        grid_of(experiment(*settings), 2)
