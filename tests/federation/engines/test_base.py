"""What every engine promises; one that joins later adds itself to `ENGINES`."""

from dataclasses import replace

import numpy as np
import pytest

from fedaffect.corpus.partition import partition
from fedaffect.federation.algorithms import find
from fedaffect.federation.algorithms.base import Context
from fedaffect.federation.client.memory import MemoryStore
from fedaffect.federation.client.runtime import ClientRuntime
from fedaffect.federation.client.site import ClientVariant
from fedaffect.federation.engines.base import Workplace
from fedaffect.federation.engines.local import LocalEngine
from fedaffect.federation.messages.request import Request
from fedaffect.federation.messages.update import Update
from fedaffect.learning.learner import DivergedError
from fedaffect.learning.torch.trainer import ConversationTrainer


class Fragile:
    """A learner that diverges on one share."""

    def __init__(self, learner, name):
        self._learner, self._name = learner, name

    def __getattr__(self, attribute):
        return getattr(self._learner, attribute)

    def fit(self, data, options):
        if data.name == self._name:
            raise DivergedError("the loss is not finite after 3 steps")
        return self._learner.fit(data, options)


def local(experiment, corpus, folder, fragile=""):
    algorithm = find(experiment.algorithm)
    learner = ConversationTrainer(corpus, experiment)
    context = Context(experiment, corpus.classes, 0, learner.get(), learner.embedding_dim)
    client_data = partition(corpus, experiment.partition, experiment.seed)
    kind = ClientVariant(context, Fragile(learner, fragile))
    memory = MemoryStore(folder / "memory")
    runtime = ClientRuntime(algorithm, [kind], corpus, client_data, memory)
    volumes = [data.volume for data in client_data]
    return LocalEngine({}, Workplace(lambda: runtime.work, volumes, memory)), context.initial


ENGINES = {"local": local}


@pytest.fixture(params=list(ENGINES))
def engine(request, tmp_path, corpus):
    """A function that makes an engine for an experiment: `(engine, initial model)`."""

    def make(experiment, name="clients", **options):
        return ENGINES[request.param](experiment, corpus, tmp_path / name, **options)

    return make


def train(engine, state, clients, number=1):
    return list(engine.exchange("fit", [Request("fit", i, number, state) for i in clients]))


def content(update):
    tensors = {n: a.tobytes() for n, a in update.tensors.items()}
    return tensors, dict(update.weights), dict(update.fallback), dict(update.scalars)


def test_replies_come_in_the_order_of_the_messages(engine, tiny):
    mine, initial = engine(tiny("fedavg"))
    for order in ([0, 1, 2], [2, 0], [1]):
        assert [r.client for r in train(mine, initial, order)] == order


def test_who_else_works_and_when_changes_nothing(engine, tiny):
    experiment = tiny("fedproto", "training.optimiser_state=keep")
    first, _ = engine(experiment, "first")
    second, _ = engine(experiment, "second")
    forwards = {r.client: content(r.update) for r in train(first, {}, [0, 1, 2])}
    backwards = {r.client: content(r.update) for r in train(second, {}, [2, 1, 0])}
    assert forwards == backwards
    assert forwards[0] != forwards[1]


def test_a_client_asked_again_answers_the_same(engine, tiny):
    """A resumed run repeats rounds; what the client kept of them must not matter."""
    mine, _ = engine(tiny("fedproto", "training.optimiser_state=keep"))
    train(mine, {}, [0], number=1)
    first = train(mine, {}, [0], number=2)
    again = train(mine, {}, [0], number=2)
    assert content(first[0].update) == content(again[0].update)


def test_rounds_differ_and_memory_counts(engine, tiny):
    mine, _ = engine(tiny("fedproto"))
    fresh, _ = engine(tiny("fedproto"), "fresh")
    train(mine, {}, [0], number=1)
    remembered = content(train(mine, {}, [0], number=2)[0].update)
    assert remembered != content(train(fresh, {}, [0], number=2)[0].update)
    assert content(train(fresh, {}, [0], number=3)[0].update) != remembered


def test_bytes_are_those_of_the_payloads(engine, tiny):
    mine, initial = engine(tiny("fedavg"))
    for reply in train(mine, initial, [0, 1]):
        assert reply.bytes_up == len(reply.update.encode())
        assert reply.bytes_down == len(Update(initial).encode())
        assert reply.seconds > 0


def test_a_client_that_diverges_costs_a_reply_not_the_round(engine, tiny):
    mine, initial = engine(tiny("fedavg"), fragile="client-01")
    replies = train(mine, initial, [0, 1, 2])
    assert [r.update is None for r in replies] == [False, True, False]
    assert replies[1].reason == "the loss is not finite after 3 steps"
    assert replies[1].bytes_up == 0
    assert replies[0].reason == replies[2].reason == ""


def test_a_client_that_diverges_remembers_nothing_of_it(engine, tiny):
    mine, _ = engine(tiny("local"), "fragile", fragile="client-01")
    train(mine, {}, [0, 1])
    evaluated = list(
        mine.exchange("evaluate", [Request("evaluate", i, 1, {}, "dev") for i in (0, 1)])
    )
    sound, _ = engine(tiny("local"), "sound")
    untrained = list(sound.exchange("evaluate", [Request("evaluate", 1, 1, {}, "dev")]))
    assert content(evaluated[1].update) == content(untrained[0].update)
    assert content(evaluated[0].update) != content(untrained[0].update)


def test_an_unknown_stage_is_refused(engine, tiny):
    mine, initial = engine(tiny("fedavg"))
    (reply,) = mine.exchange("gossip", [Request("gossip", 0, 1, initial)])
    assert (reply.update, reply.reason) == (None, "no stage `gossip`")


def test_rewinding_brings_back_an_earlier_memory(engine, tiny):
    experiment = tiny("fedproto", "training.optimiser_state=keep")
    mine, _ = engine(experiment)
    for number in (1, 2):
        train(mine, {}, [0], number)
    third = content(train(mine, {}, [0], number=3)[0].update)
    train(mine, {}, [0], number=4)
    mine.rewind(2)
    assert content(train(mine, {}, [0], number=3)[0].update) == third


def test_committing_keeps_what_kept_rounds_need(engine, tiny):
    """After round 4, with rounds 1 and 4 kept, both still evaluate as they did."""
    mine, _ = engine(tiny("local"))

    def dev(number):
        messages = [Request("evaluate", i, number, {}, "dev") for i in (0, 1)]
        return [content(r.update) for r in mine.exchange("evaluate", messages)]

    train(mine, {}, [0, 1], number=1)
    first = dev(1)
    for number in (2, 3, 4):
        train(mine, {}, [0], number)
    last = dev(4)
    mine.commit([1, 4], 4)
    assert (dev(1), dev(4)) == (first, last)
    assert first[0] != last[0]
    assert first[1] == last[1]  # client 1 slept since round 1


def test_the_state_is_only_read(engine, tiny):
    mine, initial = engine(tiny("fedmpd", "algorithm.exchange=both"))
    before = {n: a.copy() for n, a in initial.items()}
    train(mine, initial, [0, 1])
    assert all(np.array_equal(initial[n], before[n]) for n in before)


def test_a_message_is_not_tied_to_the_engine(engine, tiny):
    """Equal states, one object or two: the same answer and the same bytes."""
    mine, initial = engine(tiny("fedavg"))
    message = Request("fit", 0, 1, initial)
    copied = replace(message, state={n: a.copy() for n, a in initial.items()})
    one, two = mine.exchange("fit", [message, copied])
    assert content(one.update) == content(two.update)
    assert one.bytes_down == two.bytes_down
