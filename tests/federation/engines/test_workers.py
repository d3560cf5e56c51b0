"""Worker processes: the same bits as one process, and one line when a worker is lost."""

import os
import signal
from multiprocessing import active_children

import numpy as np
import pytest

from fedaffect.corpus.partition import partition
from fedaffect.errors import UserError
from fedaffect.federation.client_side import Message
from fedaffect.federation.engines.workers import WINDOW, WorkersEngine
from fedaffect.federation.memory import MemoryStore


@pytest.mark.parametrize(
    ("algorithm", "settings"),
    [
        ("fedmpd", ("algorithm.exchange=both",)),
        ("fedproto", ("training.optimiser_state=keep", "partition.clients=5")),
    ],
)
def test_two_workers_give_the_bits_of_one_process(tiny, simulate, algorithm, settings):
    one = simulate(tiny(algorithm, *settings), "one")
    two = simulate(tiny(algorithm, *settings, "engine.workers=2"), "two")
    assert two.figures == one.figures
    models = [run.simulation.models(run.outcome) for run in (one, two)]
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
    from functools import partial

    from fedaffect.federation.simulation import client_side

    experiment = tiny("fedavg")
    shares = partition(corpus, experiment.partition, experiment.seed)
    make = partial(client_side, experiment, corpus, shares, tmp_path)
    engine = WorkersEngine(make, [1, 1, 1], 1, MemoryStore(tmp_path / "memory"))
    (reply,) = engine.exchange("gossip", [Message("gossip", 0, 1, {})])
    assert (reply.update, reply.reason) == (None, "no stage `gossip`")
    engine.close()
    engine.close()


def test_the_largest_go_first_within_a_window():
    engine = WorkersEngine(lambda: None, [1, 5, 3, *[2] * 20, 9], 1, MemoryStore(None))
    messages = [Message("train", i, 1, {}) for i in range(24)]
    waiting = set(range(24))
    assert engine._next(messages, waiting, 0, 2) == [1, 2]
    assert 23 not in engine._next(messages, waiting, 0, 24)  # too far ahead of the oldest reply
    assert engine._next(messages, waiting, 24 - WINDOW, 1) == [23]
