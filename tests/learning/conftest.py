"""A model folder whose model has other weights than a fresh one of its seed, and feature statistics."""

import pytest

from fedaffect.experiment import Experiment
from fedaffect.learning import saved
from fedaffect.learning.torch.trainer import ConversationTrainer

EXPERIMENT = Experiment().with_settings(["model.width=8", "model.heads=2", "seed=3"])


@pytest.fixture(scope="module")
def experiment():
    return EXPERIMENT


@pytest.fixture(scope="module")
def corpus(make_corpus):
    return make_corpus(conversations=5, turns=4)


@pytest.fixture(scope="module")
def tensors(corpus):
    """Both weights and statistics must be read for predictions to be right."""
    learner = ConversationTrainer(corpus, EXPERIMENT.model_copy(update={"seed": 4}))
    statistics = {}
    for name, array in corpus.features.items():
        statistics[f"features/{name}/mean"] = array.mean(axis=0)
        statistics[f"features/{name}/scale"] = array.std(axis=0)
    return {**learner.get(), **statistics}


@pytest.fixture
def model_folder(tmp_path, corpus, tensors):
    saved.save(tmp_path / "model", EXPERIMENT, corpus, [("global", tensors)], "# A card\n")
    return tmp_path / "model"
