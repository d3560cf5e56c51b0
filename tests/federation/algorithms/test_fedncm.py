"""FedNCM: means of embeddings, counted; the nearest answers, as a linear head."""

import numpy as np
import pytest

from fedaffect.corpus.partition import all_in_one_client
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.federation.algorithms._prototypes import prototypes_of
from fedaffect.federation.algorithms.base import Context
from fedaffect.federation.algorithms.fedncm import FedNCM
from fedaffect.federation.simulation import Simulation
from fedaffect.inference.prototypes import class_means, nearest_prototype, squared_distances
from fedaffect.learning.head.learner import HeadLearner
from fedaffect.learning.head.softmax_regression import BIAS, WEIGHT


@pytest.fixture
def corpus(make_faces):
    return make_faces(items=48, missing=0.1)


@pytest.fixture
def experiment(make_backbone, tmp_path):
    file = tmp_path / "backbone.onnx"
    file.write_bytes(make_backbone())
    return Experiment().with_settings(
        [
            f"model={{name='head', backbone='{file}'}}",
            "algorithm.name=fedncm",
            "partition={name='dirichlet', clients=3, alpha=0.3}",
            "rounds.count=1",
        ]
    )


@pytest.fixture
def run(corpus, experiment, tmp_path):
    learner = HeadLearner(corpus, experiment)
    simulation = Simulation(experiment, corpus, learner, tmp_path / "run")
    return simulation, simulation.run("test"), learner


def test_the_means_are_those_of_all_items_together(corpus, run):
    """However unequal the clients are; an absent image counts as an embedding of 0 on every side."""
    _, outcome, learner = run
    data = all_in_one_client(corpus)[0]
    outputs = learner.predict(data.conversations)
    expected = class_means(outputs.embedding, corpus.label[outputs.item])
    found = prototypes_of(outcome.state)
    assert found.keys() == expected.keys()
    for k, mean in expected.items():
        np.testing.assert_allclose(found[k], mean, rtol=1e-5, atol=1e-6)


def test_the_linear_head_is_the_nearest_mean(corpus, run):
    simulation, outcome, learner = run
    ((name, model),) = simulation.models(outcome)
    assert name == "model"
    learner.set(model)
    outputs = learner.predict(np.arange(len(corpus)))
    squared = squared_distances(outputs.embedding, prototypes_of(outcome.state), 3)
    seen = corpus.present["face"]
    np.testing.assert_allclose(
        outputs.probability[seen], nearest_prototype(squared)[seen], rtol=1e-4
    )
    right = outputs.probability.argmax(axis=1) == corpus.label
    assert right[seen & corpus.items_in("test")].mean() > 0.6


def test_a_class_that_nobody_sent_is_never_answered(experiment):
    initial = {WEIGHT: np.zeros((3, 2), np.float32), BIAS: np.zeros(3, np.float32)}
    context = Context(experiment, ("a", "b", "c"), 1, initial, 2)
    algorithm = FedNCM({})
    assert algorithm.model_for({}, {}, context) == initial
    state = {
        "prototype/fused/0": np.array([1, 0], np.float32),
        "prototype/fused/2": np.array([0, 2], np.float32),
    }
    model = algorithm.model_for(state, {}, context)
    np.testing.assert_array_equal(model[WEIGHT], [[2, 0], [0, 0], [0, 4]])
    np.testing.assert_array_equal(model[BIAS][[0, 2]], [-1, -4])
    assert np.isfinite(model[BIAS]).all()
    assert np.exp(model[BIAS][1]) == 0


def test_only_means_leave(run):
    simulation, _, _ = run
    leaves = simulation.algorithm.declared_updates(simulation.context)
    assert {name: s.shape for name, s in leaves.items()} == {
        f"prototype/fused/{k}": (8,) for k in range(3)
    }


def test_a_network_that_is_not_trained_is_refused(experiment, corpus):
    other = experiment.with_settings(["model={name='face_cnn'}"])
    context = Context(other, corpus.classes, 0, {}, 8)
    with pytest.raises(
        UserError, match=r"trains no network; .*model={name='head', backbone='FILE'}"
    ):
        FedNCM({}).initial(context)
