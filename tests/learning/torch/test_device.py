"""Everything happens where the model is: on `--device cuda` as on the CPU."""

import numpy as np
import pytest
import torch

from fedaffect.corpus.partition import all_in_one_client
from fedaffect.experiment import Experiment
from fedaffect.federation.algorithms import find
from fedaffect.federation.algorithms.base import Client, Context
from fedaffect.learning.torch.trainer import ConversationTrainer

ALGORITHMS = ["fedavg", "fedproto", "fedmpd"]


def experiment(algorithm, *settings):
    base = ["model.width=8", "model.heads=2", f"algorithm.name={algorithm}"]
    return Experiment().with_settings([*base, "model.fusion=attention_score", *settings])


def two_rounds(corpus, settings, learner):
    """One client's two rounds and a prediction: all that ever runs on a device."""
    algorithm = find(settings.algorithm)
    context = Context(settings, corpus.classes, 1, learner.get(), learner.embedding_dim)
    data = all_in_one_client(corpus)[0]
    counts = np.bincount(corpus.label[data.supervised], minlength=len(corpus.classes))
    client = Client(0, data, learner, corpus.label, counts, context)
    state, memory = algorithm.initial(context), {}
    for _ in range(2):
        update, memory = algorithm.client_round(state, client, memory)
        state = algorithm.server_round(state, algorithm.aggregator.reduce([update]), context)
    return learner.predict(np.arange(len(corpus.conversations)))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_nothing_is_created_elsewhere(make_corpus, algorithm):
    """A tensor made without a device would land on `meta` here, and stop the first product with it."""
    corpus = make_corpus(conversations=6, turns=5, missing=0.2)
    settings = experiment(algorithm)
    learner = ConversationTrainer(corpus, settings)
    with torch.device("meta"):
        outputs = two_rounds(corpus, settings, learner)
    assert np.isfinite(outputs.probability).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_gpu_learns_the_same(make_corpus, algorithm, precision):
    corpus = make_corpus(conversations=6, turns=5, missing=0.2)
    settings = experiment(algorithm, "model.dropout=0", f"training.precision={precision}")
    outputs = [
        two_rounds(corpus, on, ConversationTrainer(corpus, on))
        for on in (settings, settings.with_settings(["device=cuda"]))
    ]
    tolerance = 1e-3 if precision == "float32" else 0.05
    for part in ("probability", "modality_weights"):
        cpu, gpu = (getattr(o, part) for o in outputs)
        np.testing.assert_allclose(gpu, cpu, atol=tolerance)
