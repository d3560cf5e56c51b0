"""FedAvg by hand, and the two things that it must equal to the bit."""

from dataclasses import replace

import numpy as np
import pytest

from fedaffect.federation import client_data as module
from fedaffect.federation.algorithms.fedavg import FedAvg
from fedaffect.learning.learner import FitOptions
from fedaffect.learning.torch.trainer import ConversationTrainer
from fedaffect.schema import ClientData

from .quadratic import Bowl, federation

# What a run says of its traffic and of its clients' names, not of what was learnt.
OTHER = ("bytes_up", "bytes_down", "clients")


def bits(state):
    return {n: (a.shape, a.dtype.str, a.tobytes()) for n, a in state.items()}


def test_mean_by_volume(three):
    """Models 1, 2, 5 of clients with 2, 1 and 4 supervised utterances."""
    state = three.round(FedAvg({}), {"model/w": np.zeros(1, np.float32)})
    np.testing.assert_allclose(state["model/w"], [(2 + 2 + 20) / 7], rtol=1e-6)


def test_clients_start_from_the_servers_model(three):
    three.learner.fits.clear()
    three.round(FedAvg({}), {"model/w": np.array([8], np.float32)})
    assert [f["start"][0] for f in three.learner.fits] == [8, 8, 8]


@pytest.mark.parametrize("optimiser", ["reset", "keep"])
def test_one_client_is_centralised_to_the_bit(tiny, simulate, optimiser):
    settings = ["rounds.count=4", f"training.optimiser_state={optimiser}"]
    federated = simulate(tiny("fedavg", "partition.clients=1", *settings), "federated")
    centralised = simulate(tiny("centralised", *settings), "centralised")
    assert bits(federated.outcome.state) == bits(centralised.outcome.state)
    for name, figure in centralised.figures.items():
        if name not in OTHER:
            assert federated.figures[name] == figure, name
    losses = [
        [e["loss"] for e in run.of_kind("round_finished")] for run in (federated, centralised)
    ]
    assert losses[0] == losses[1]
    assert len(set(losses[0])) == 4  # it does learn
    assert centralised.figures["bytes_up"] == 0 < federated.figures["bytes_up"]


class SameDraws:
    """A learner that forgets which client it works for, so that equal clients draw equal numbers."""

    def __init__(self, learner):
        self._learner = learner

    def __getattr__(self, name):
        return getattr(self._learner, name)

    def fit(self, data, options):
        return self._learner.fit(data, replace(options, seed=7))


@pytest.mark.parametrize("clients", [2, 3])
def test_equal_clients_are_one_of_them(tiny, simulate, corpus, monkeypatch, clients):
    conversations = corpus.conversations_in("train")[:3]
    rows = np.flatnonzero(np.isin(corpus.conversation, conversations))

    def run(number):
        client_data = [ClientData(f"twin-{i}", conversations, rows) for i in range(number)]
        monkeypatch.setattr(module, "partition", lambda *_: client_data)
        return simulate(tiny("fedavg"), f"{number}", wrap=SameDraws)

    one, several = run(1), run(clients)
    assert bits(one.outcome.state) == bits(several.outcome.state)
    # Not the means over clients: those of three equal numbers may differ in the last bit.
    for name in ("confusion", "reliability", "modality_weights", "stability", "selected_round"):
        assert one.figures[name] == several.figures[name], name
    assert one.figures["test"]["global"] == several.figures["test"]["global"]


def test_equal_clients_draw_numbers_of_their_own(tiny, simulate, corpus, monkeypatch):
    """Batches and dropout are keyed by client: twins differ from one of them, unless told not to."""
    conversations = corpus.conversations_in("train")[:3]
    rows = np.flatnonzero(np.isin(corpus.conversation, conversations))
    states = []
    for number in (1, 2):
        client_data = [ClientData(f"twin-{i}", conversations, rows) for i in range(number)]
        monkeypatch.setattr(module, "partition", lambda *_, client_data=client_data: client_data)
        states.append(simulate(tiny("fedavg"), f"{number}").outcome.state)
    assert bits(states[0]) != bits(states[1])


def test_different_clients_are_not(tiny, simulate):
    """The test before would also pass if only the first client counted."""
    one = simulate(tiny("fedavg", "partition.clients=1"), "one").outcome.state
    two = simulate(tiny("fedavg", "partition.clients=2"), "two").outcome.state
    assert bits(one) != bits(two)


def test_a_kept_optimiser_matters(tiny, simulate):
    """From round 2 on Adam goes on with its moments; in round 1 there are none."""
    losses = {}
    for kept in ("reset", "keep"):
        run = simulate(tiny("fedavg", f"training.optimiser_state={kept}"), kept)
        losses[kept] = [e["loss"] for e in run.of_kind("round_finished")]
    assert losses["reset"][0] == losses["keep"][0]
    assert losses["reset"][1] != losses["keep"][1]


# --- blockwise -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("absent", "blockwise", "audio"),
    [({1}, True, 2), ({1}, False, (2 - 6) / 4), (set(), True, (2 - 6) / 4), ({0, 1}, True, 0)],
)
def test_a_tensor_is_averaged_over_those_whose_data_reached_it(absent, blockwise, audio):
    """From 0 to 2, and with three times the volume to -2; what nobody's data reach stays 0."""
    two = federation(Bowl(1, 4), Bowl(0.5, -8, volume=3), names=("model/audio", "model/text"))
    learner = two.clients[0].learner
    fit = learner.fit

    def without_audio(data, options):
        lacks = data.name in {f"client-{i}" for i in absent}
        return replace(fit(data, options), untouched=frozenset(["model/audio"] * lacks))

    learner.fit = without_audio
    state = two.play(FedAvg({"blockwise": blockwise}))
    assert float(state["model/audio"][0]) == audio
    assert float(state["model/text"][0]) == (2 - 6) / 4


def test_an_encoder_of_what_one_client_alone_has_is_that_clients(
    tiny, simulate, corpus, monkeypatch
):
    """Client 0 learns the same with or without client 1, which has no audio, beside it."""
    first, second = (corpus.conversations_in("train")[rows] for rows in (slice(4), slice(4, 8)))
    there = corpus.present["audio"] & np.isin(corpus.conversation, first)
    partly = replace(
        corpus,
        present={**corpus.present, "audio": there},
        features={
            **corpus.features,
            "audio": np.where(there[:, None], corpus.features["audio"], 0),
        },
    )

    def data(number, conversations):
        rows = np.flatnonzero(np.isin(corpus.conversation, conversations))
        return ClientData(f"client-{number}", conversations, rows)

    both = [data(0, first), data(1, second)]

    def model(name, client_data, *settings):
        monkeypatch.setattr(module, "partition", lambda *_: client_data)
        experiment = tiny("fedavg", "rounds.count=1", "features.standardise=none", *settings)
        return simulate(experiment, name, on=partly).outcome.state

    apart = model("apart", both, "algorithm.blockwise=true")
    alone = model("alone", both[:1])
    mixed = model("mixed", both)
    learner = ConversationTrainer(partly, tiny())
    start = learner.get()
    of_audio = learner.fit(both[1], FitOptions(seed=0)).untouched
    assert {"model/project/audio/weight", "model/student/audio/weight"} < of_audio < start.keys()
    for name in start:
        assert np.array_equal(apart[name], alone[name]) == (name in of_audio), name
        assert np.array_equal(apart[name], mixed[name]) == (name not in of_audio), name
    nobody = model("nobody", both[1:], "algorithm.blockwise=true")
    assert {n for n in start if np.array_equal(nobody[n], start[n])} == of_audio
