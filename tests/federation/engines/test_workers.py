"""Worker processes: the same bits as one process, and one line when a worker is lost."""

import os
import signal
from functools import partial
from multiprocessing import active_children

import numpy as np
import pytest

from fedaffect.corpus.partition import partition
from fedaffect.errors import UserError
from fedaffect.federation.client.memory import MemoryStore
from fedaffect.federation.engines._workers import WINDOW, WorkerPool, _window
from fedaffect.federation.engines.base import Workplace
from fedaffect.federation.messages.request import Request
from fedaffect.federation.simulation import client_work


@pytest.mark.parametrize(
    ("algorithm", "settings"),
    [
        ("fedmpd", ("algorithm.exchange=both",)),
        (
            "fedproto",
            (
                "training.optimiser_state=keep",
                "partition.clients=5",
                *("conditions.missing_clients=0.4", "conditions.label_noise=0.3"),
                *("conditions.stragglers=0.5", "conditions.drop_out=0.2", "conditions.late=0.3"),
            ),
        ),
    ],
)
def test_two_workers_give_the_bits_of_one_process(tiny, simulate, algorithm, settings):
    one = simulate(tiny(algorithm, *settings), "one")
    two = simulate(tiny(algorithm, *settings, "engine.workers=2"), "two")
    assert two.figures == one.figures
    models = [dict(run.simulation.models(run.outcome)) for run in (one, two)]
    assert models[0].keys() == models[1].keys()
    for member, tensors in models[0].items():
        for name, array in tensors.items():
            np.testing.assert_array_equal(models[1][member][name], array)


def test_a_lost_worker_is_one_line_and_the_run_resumes(tiny, simulate):
    experiment = tiny("fedavg", "engine.workers=2", "rounds.count=2")
    whole = simulate(experiment, "whole")

    def kill(event):
        if event["kind"] == "round_started" and event["round"] == 2:
            for child in active_children():
                os.kill(child.pid, signal.SIGKILL)
                child.join()

    with pytest.raises(UserError, match=r"a worker process ended unexpectedly .* --resume"):
        simulate(experiment, "killed", listeners=[kill])
    assert simulate(experiment, "killed").figures == whole.figures


def test_a_refusal_crosses_and_workers_close(tiny, corpus, tmp_path):
    experiment = tiny("fedavg")
    client_data = partition(corpus, experiment.partition, experiment.seed)
    make = partial(client_work, experiment, corpus, client_data, tmp_path)
    pool = WorkerPool(Workplace(make, [1, 1, 1], MemoryStore(tmp_path / "memory"), 1))
    (reply,) = pool.exchange([Request("gossip", 0, 1, {})])
    assert (reply.update, reply.reason) == (None, "no stage `gossip`")
    pool.close()
    pool.close()


def test_the_largest_go_first():
    pool = WorkerPool(Workplace(lambda: None, [1, 5, 3, 2, 2, 9], MemoryStore(None), 1))
    messages = [Request("fit", i, 1, {}) for i in range(6)]
    assert pool._largest(messages, {0, 1, 2, 3, 4}) == [1, 2, 3, 4, 0]


@pytest.mark.parametrize(("size", "window"), [(0, WINDOW), (2**20, WINDOW), (2**26, 4), (2**30, 1)])
def test_few_large_replies_wait(size, window):
    assert _window(size) == window


def test_what_a_person_can_mend_is_told(tiny, corpus, tmp_path):
    experiment = tiny("fedavg", "device=cuda:7")
    make = partial(client_work, experiment, corpus, [], tmp_path)
    pool = WorkerPool(Workplace(make, [1, 1], MemoryStore(tmp_path / "memory"), 2))
    with pytest.raises(UserError, match="`cuda:7` was asked for"):
        list(pool.exchange([Request("fit", i, 1, {}) for i in (0, 1)]))
    assert not active_children()
