"""MOON: its term by hand, what it compares, and FedAvg to the bit where it has nothing to say."""

from math import exp, log

import numpy as np
import pytest
import torch

from fedaffect.corpus.partition import all_in_one_client
from fedaffect.errors import UserError
from fedaffect.federation.algorithms.moon import Moon
from fedaffect.learning.learner import FitOptions, Outputs
from fedaffect.learning.torch.trainer import ConversationTrainer
from fedaffect.models.base import DialogueBatch, Prediction

from .test_fedavg import bits

SERVERS, PREVIOUS = np.array([1], np.float32), np.array([2], np.float32)


@pytest.fixture
def client(seat, monkeypatch):
    """Two utterances and one that is context only; each model embeds them as is written here.

    Model 1 (the server's): (1, 0), (0, 1). Model 2 (the client's of before): (0, 1), (0, 1).
    """
    table = seat([(0, (0, 0)), (-1, (0, 0)), (1, (0, 0))])
    embedded = {1: [(1, 0), (9, 9), (0, 1)], 2: [(0, 1), (9, 9), (0, 1)]}

    def predict(_conversations):
        # Rows 0 to 2 of the corpus are the client's.
        z = np.array(embedded[int(table.learner.weight[0])], np.float32)
        probability = np.full((3, 3), 1 / 3, np.float32)
        return Outputs(np.arange(3), probability, z, np.ones((3, 2), np.float32))

    monkeypatch.setattr(table.learner, "predict", predict)
    return table.clients[0]


def learning(client, memory, **settings):
    """The arguments with which the client's learner was called, and what came of the round."""
    client.learner.fits.clear()
    update, kept = Moon(settings).client_round({"model/w": SERVERS}, client, memory)
    (fit,) = client.learner.fits
    return fit, update, kept


def term(extra_loss, embedding):
    """The term for a batch of one conversation; its padding points past the corpus."""
    z = torch.tensor([[*embedding, (7.0, 7.0)]], requires_grad=True)
    supervised = torch.tensor([[True, False, True, False]])
    label = torch.zeros((1, 4), dtype=torch.int64)
    batch = DialogueBatch({}, {}, label, torch.ones_like(supervised), label, supervised)
    prediction = Prediction(torch.zeros(1, 4, 3), {}, z, {}, torch.ones(1, 4, 2))
    value = extra_loss(prediction, batch, torch.tensor([[0, 1, 2, 10_000]]))
    value.backward()
    return float(value.detach()), z.grad[0]


def test_the_term_by_hand(client):
    """z = (3, 4) for utterance 0: cosines 0.6 with the server's (1, 0), 0.8 with its own (0, 1).

    z = (0, 2) for utterance 2: both 1, so the term is log 2. τ = 0.5, and the context does not count.
    """
    fit, _, _ = learning(client, {"model/w": PREVIOUS})
    value, gradient = term(fit["extra_loss"], [(3.0, 4.0), (5.0, 5.0), (0.0, 2.0)])
    first = -log(exp(1.2) / (exp(1.2) + exp(1.6)))
    assert value == pytest.approx((first + log(2)) / 2)
    assert gradient[0, 0] < 0 < gradient[0, 1]  # towards (1, 0), away from (0, 1)
    assert not gradient[[1, 3]].any()


def test_mu_and_temperature(client):
    fit, _, _ = learning(client, {"model/w": PREVIOUS}, mu=3.0, temperature=0.1)
    value, _ = term(fit["extra_loss"], [(3.0, 4.0), (5.0, 5.0), (0.0, 2.0)])
    assert value == pytest.approx(3 * (log(1 + exp(2)) + log(2)) / 2)


def test_what_has_no_embedding_pulls_nowhere(client):
    """An utterance without a modality is embedded as 0."""
    fit, _, _ = learning(client, {"model/w": PREVIOUS})
    _, gradient = term(fit["extra_loss"], [(0.0, 0.0), (5.0, 5.0), (0.0, 2.0)])
    assert gradient.isfinite().all()


def test_learning_starts_from_the_servers_model_and_its_end_is_remembered(client):
    fit, update, kept = learning(client, {"model/w": PREVIOUS})
    assert fit["start"] == SERVERS
    assert kept["model/w"] == update.tensors["model/w"] == client.learner.learnt["client-0"]
    assert set(update.tensors) == {"model/w"}


def test_in_a_clients_first_round_there_is_no_term(client):
    fit, _, kept = learning(client, {})
    assert fit["extra_loss"] is None
    assert kept.keys() == {"model/w"}


def test_predicting_leaves_no_trace_in_learning(make_corpus, tiny):
    """Dropout draws the same numbers, whatever was predicted before and with which model."""
    corpus = make_corpus(conversations=6)
    learner = ConversationTrainer(corpus, tiny())
    start, data = learner.get(), all_in_one_client(corpus)[0]

    def learnt(before):
        torch.manual_seed(before)
        if before:
            learner.set({n: a + 0.1 for n, a in start.items()})
            learner.predict(data.conversations)
        learner.set(start)
        learner.fit(data, FitOptions(seed=3))
        return bits(learner.get())

    assert learnt(0) == learnt(1)


def test_mu_0_is_fedavg_to_the_bit(tiny, simulate):
    settings = [
        "clients.fraction=0.4",
        "training.optimiser_state=keep",
        "rounds.selection=last",
        "rounds.count=4",
    ]
    fedavg = simulate(tiny("fedavg", *settings), "fedavg").outcome.state
    none = simulate(tiny("moon", "algorithm.mu=0.0", *settings), "none").outcome.state
    some = simulate(tiny("moon", *settings), "some")
    assert bits(none) == bits(fedavg) != bits(some.outcome.state)
    terms = {}
    for event in some.of_kind("client_finished"):
        terms.setdefault(event["client"], []).append("extra" in event["scalars"])
    assert all(found == [False] + [True] * (len(found) - 1) for found in terms.values())
    assert len({len(found) for found in terms.values()}) > 1  # not all took part equally often


def test_a_lost_round_and_a_stop_change_nothing(survive):
    assert bits(survive("moon", stopped=True).outcome.state) == bits(survive("moon").outcome.state)


@pytest.mark.parametrize("setting", [{"mu": -1}, {"temperature": 0}])
def test_settings_out_of_bounds_are_named(setting):
    with pytest.raises(UserError, match=f"algorithm moon: {next(iter(setting))}"):
        Moon(setting)
