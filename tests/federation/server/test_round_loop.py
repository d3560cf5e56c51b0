"""The round loop alone: a scripted engine, and a model that is as good as it says."""

from dataclasses import replace

import numpy as np
import pytest

from fedaffect.corpus.partition import labels_per_client, partition
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.federation.algorithms.base import Context
from fedaffect.federation.algorithms.fedavg import FedAvg
from fedaffect.federation.events import EventLog, read
from fedaffect.federation.faults import draw_fault
from fedaffect.federation.messages.reply import Reply
from fedaffect.federation.messages.update import Update
from fedaffect.federation.server.checkpoints import Checkpoints
from fedaffect.federation.server.participants import Participants
from fedaffect.federation.server.round_loop import RoundLoop
from fedaffect.federation.server.server import Server
from fedaffect.federation.simulation import OwnEvaluator
from fedaffect.learning.learner import Outputs

CLIENTS = 4


class Script:
    """An engine whose clients send `quality[round]`, but for those that fail."""

    def __init__(self, quality, failing=()):
        self.quality, self.failing, self.calls = quality, set(failing), []

    def exchange(self, stage, messages):
        for m in messages:
            failed = (m.round, m.client) in self.failing
            tensors = {"model/w": np.array([self.quality[m.round]], np.float32)}
            update = Update(tensors, {"model": 1.0}, scalars={"loss": float(m.client)})
            reason = f"client {m.client} is tired" if failed else ""
            yield Reply(m.client, None if failed else update, reason, 10, 0 if failed else 7, 0.0)

    def commit(self, keep, round_number):
        self.calls.append(("commit", round_number, tuple(keep)))

    def rewind(self, round_number):
        self.calls.append(("rewind", round_number))


class Judge:
    """A model whose `w` is the fraction of utterances that it gets right."""

    def __init__(self, corpus):
        self._corpus, self.w = corpus, 0.0

    def set(self, tensors):
        self.w = float(tensors["model/w"][0])

    def predict(self, conversations):
        item = np.flatnonzero(np.isin(self._corpus.conversation, conversations))
        right = np.arange(len(item)) < round(self.w * len(item))
        estimated = np.where(right, self._corpus.label[item], 1 - self._corpus.label[item])
        probability = np.eye(2, dtype=np.float32)[estimated]
        weights = np.full((len(item), 2), 0.5, np.float32)
        return Outputs(item, probability, np.zeros((len(item), 1), np.float32), weights)


@pytest.fixture
def play(make_corpus, tmp_path):
    """Run a script; returns the outcome, its events and the engine."""
    corpus = make_corpus(conversations=8, turns=10, classes=2, splits=[0] * 4 + [1] * 2 + [2] * 2)
    # Halves by label, so that a fraction right is an accuracy and near a weighted F1.
    corpus = replace(corpus, label=np.arange(len(corpus)) % 2)

    def run(quality, *settings, failing=(), name="run"):
        experiment = Experiment().with_settings(
            [
                f"partition.clients={CLIENTS}",
                f"rounds.count={len(quality)}",
                "rounds.smoothing=1",
                "features.standardise=none",
                *settings,
            ]
        )
        initial = {"model/w": np.zeros(1, np.float32)}
        context = Context(experiment, corpus.classes, 0, initial, 1)
        engine = Script(dict(enumerate(quality, start=1)), failing)
        log = EventLog(tmp_path / name / "events.jsonl")
        client_data = partition(corpus, experiment.partition, 0)
        checkpoints = Checkpoints(tmp_path / name / "checkpoints")
        names = tuple(data.name for data in client_data)
        participants = Participants(names, labels_per_client(corpus, client_data))
        algorithm = FedAvg({})
        evaluator = OwnEvaluator(algorithm, Judge(corpus), corpus)
        server = Server(context, algorithm, participants, engine, evaluator, log)
        try:
            outcome = RoundLoop(server, checkpoints).run()
        finally:
            log.close()
        events = list(read(tmp_path / name / "events.jsonl"))
        return outcome, events, engine

    return run


def kinds(events, *wanted):
    return [(e["kind"], e["round"]) for e in events if e["kind"] in wanted]


def everybody(number):
    return [(number, client) for client in range(CLIENTS)]


def w(outcome):
    return round(float(outcome.state["model/w"][0]), 3)


def test_a_calm_run(play):
    outcome, events, _ = play([0.2, 0.4, 0.6])
    assert (outcome.round, w(outcome)) == (3, 0.6)
    assert outcome.run_state.selected == [3] * CLIENTS
    assert (outcome.run_state.bytes_up, outcome.run_state.bytes_down) == (84, 120)
    assert [e["kind"] for e in events] == [
        "checkpoint",
        *(["round_started", *["client_finished"] * 4, "round_finished", "checkpoint"] * 3),
    ]
    finished = [e for e in events if e["kind"] == "round_finished"]
    assert [e["score"] for e in finished] == sorted(e["score"] for e in finished)
    assert [e["best"] for e in finished] == [1, 2, 3]
    assert [(e["bytes_up"], e["updates"]) for e in finished] == [(28, 4)] * 3
    assert finished[0]["loss"] == pytest.approx(1.5)  # 0, 1, 2, 3 by equal volumes


def test_the_running_mean_is_judged_and_clients_go_on_from_the_newest(play):
    outcome, events, _ = play([0.2, 0.6, 0.8], "rounds.average=0.5", "rounds.selection=last")
    assert w(outcome) == 0.8
    mean = 0.5 * (0.5 * 0.2 + 0.5 * 0.6) + 0.5 * 0.8
    assert float(outcome.state["server/mean/model/w"][0]) == pytest.approx(mean)
    score = [e["score"] for e in events if e["kind"] == "round_finished"][-1]
    _, plain, _ = play([mean], name="plain")
    assert score == [e["score"] for e in plain if e["kind"] == "round_finished"][-1]


def test_the_best_test_score_stands_beside_and_chooses_nothing(play):
    settings = ("rounds.selection=last", "rounds.best_test=true")
    outcome, _, _ = play([0.2, 1.0, 0.6], *settings)
    assert outcome.run_state.best_test["round"] == 2
    assert outcome.run_state.best_test["weighted_f1"] == pytest.approx(1.0)
    assert w(outcome) == 0.6
    plain, _, _ = play([0.2, 1.0, 0.6], "rounds.selection=last", name="plain")
    assert plain.run_state.best_test == {}
    assert plain.test.score == outcome.test.score


# --- quorum --------------------------------------------------------------------------------------


def test_a_quorum_is_enough(play):
    outcome, events, _ = play([0.2, 0.4], failing=[(2, 0), (2, 3)])
    assert w(outcome) == 0.4
    assert kinds(events, "client_failed", "round_lost") == [("client_failed", 2)] * 2
    finished = [e for e in events if e["kind"] == "round_finished"][1]
    assert (finished["updates"], finished["bytes_up"], finished["bytes_down"]) == (2, 14, 40)
    assert finished["loss"] == pytest.approx(1.5)


def test_a_lost_round_leaves_the_state(play):
    failing = [(2, 0), (2, 1), (2, 3)]
    outcome, events, engine = play([0.4, 0.9], "rounds.selection=last", failing=failing)
    assert (outcome.round, w(outcome)) == (2, 0.4)
    assert ("rewind", 1) in engine.calls  # and what clients remember
    (lost,) = [e for e in events if e["kind"] == "round_lost"]
    assert lost["round"] == 2
    assert lost["reason"] == (
        "1 of 4 clients answered; the quorum is 0.5; first failure: client 0 is tired"
    )
    assert kinds(events, "round_finished", "checkpoint")[-2:] == [
        ("checkpoint", 1),
        ("checkpoint", 2),
    ]
    assert outcome.run_state.bytes_up == 28 + 7  # what came was sent all the same


def test_three_lost_rounds_in_a_row_end_the_run(play):
    failing = everybody(1) + everybody(3) + everybody(4) + everybody(5)
    with pytest.raises(UserError, match=r"round 5: 3 rounds in a row were lost .*learning_rate"):
        play([0.1] * 6, failing=failing)


def test_a_good_round_forgives_lost_ones(play):
    outcome, _, _ = play(
        [0.1] * 5, failing=everybody(1) + everybody(2) + everybody(4) + everybody(5)
    )
    assert outcome.run_state.lost_in_row == 2


@pytest.mark.parametrize("quorum", [0.0, 0.5])
def test_no_answer_at_all_is_a_lost_round_whatever_the_quorum(play, quorum):
    outcome, events, _ = play([0.4, 0.9], f"rounds.quorum={quorum}", failing=everybody(2))
    assert w(outcome) == 0.4
    assert kinds(events, "round_lost") == [("round_lost", 2)]


def test_nobody_online_is_a_lost_round(play):
    offline = "clients.availability=bernoulli(0.0001)"
    with pytest.raises(UserError, match="nobody was online"):
        play([0.1] * 3, offline)


def test_a_run_that_lost_its_last_evaluation_still_ends(play):
    """Nothing was ever scored on dev, so the last state is what there is, not the untrained one."""
    outcome, _, _ = play([0.4, 0.9], "rounds.evaluate_every=2", failing=everybody(2))
    assert (outcome.round, w(outcome)) == (2, 0.4)
    assert outcome.run_state.dev_scores == {}


# --- updates that are lost or late ---------------------------------------------------------------


def expected(quality, delay_of, discount=1.0, undone=()):
    """The model after each round: the mean of what is there, of weight discount^(rounds since sent).

    Args:
        delay_of: (round, client) → rounds that the update is late; None = it never arrives.
        undone: rounds that are lost: what is there by then waits on, what they send never was.
    """
    found, pending = [], []
    for number, value in enumerate(quality, start=1):
        if number in undone:
            found.append(found[-1])
            continue
        delays = [delay_of(number, client) for client in range(CLIENTS)]
        pending += [(number, number + d, value) for d in delays if d is not None]
        due = [(discount ** (number - sent), v) for sent, due, v in pending if due <= number]
        pending = [one for one in pending if one[1] > number]
        found.append(sum(x * v for x, v in due) / sum(x for x, _ in due))
    return found


def fates_of(*settings):
    experiment = Experiment().with_settings(settings)
    return lambda number, client: draw_fault(FedAvg({}), experiment, number, client)


def test_late_updates_are_aggregated_when_they_arrive(play):
    settings = ("conditions.late=0.5", "conditions.late_discount=0.5", "rounds.quorum=0")
    drawn, quality = fates_of(*settings), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    outcome, events, _ = play(quality, *settings, "rounds.selection=last")
    means = expected(quality, lambda *which: drawn(*which).delay, 0.5)
    assert float(outcome.state["model/w"][0]) == pytest.approx(means[-1])
    assert means[-1] < 1  # or nothing was late
    rounds = [e for e in events if e["kind"] == "round_finished"]
    sent = [e for e in events if e["kind"] == "client_finished"]
    assert len(sent) == 6 * CLIENTS
    assert all(e.get("late", 0) == drawn(e["round"], e["client"]).delay for e in sent)
    arrived_late = sum(0 < e.get("late", 0) <= 6 - e["round"] for e in sent)
    assert sum(e["late"] for e in rounds) == arrived_late > 0
    in_time = sum("late" not in e for e in sent)
    assert sum(e["updates"] for e in rounds) == in_time + arrived_late
    assert outcome.run_state.bytes_up == 7 * len(sent)  # whenever it comes, it was sent


def test_lost_updates_never_arrive(play):
    settings = ("conditions.lost=0.5", "rounds.quorum=0")
    drawn = fates_of(*settings)
    outcome, events, _ = play([0.2, 0.4, 0.6], *settings)
    sent = [e for e in events if e["kind"] == "client_finished"]
    assert [e.get("lost", False) for e in sent] == [
        drawn(e["round"], e["client"]).lost for e in sent
    ]
    rounds = [e for e in events if e["kind"] == "round_finished"]
    for e in rounds:
        came = [s for s in sent if s["round"] == e["round"] and "lost" not in s]
        assert e["updates"] == len(came)
        assert e["loss"] == pytest.approx(np.mean([s["client"] for s in came]))
    assert outcome.run_state.bytes_up == 7 * len(sent)


def test_lost_and_late_updates_are_no_answers(play):
    with pytest.raises(UserError, match=r"of 4 clients answered; the quorum is 1"):
        play([0.2] * 6, "conditions.lost=0.9", "rounds.quorum=1")


def test_what_arrives_in_a_lost_round_waits_and_what_it_sends_never_was(play):
    settings = ("conditions.late=0.5", "conditions.late_discount=0.5", "rounds.quorum=0", "seed=2")
    drawn, quality = fates_of(*settings), [0.2, 0.4, 0.9, 0.6, 0.8]
    outcome, events, _ = play(quality, *settings, "rounds.selection=last", failing=everybody(3))
    assert kinds(events, "round_lost") == [("round_lost", 3)]
    means = expected(quality, lambda *which: drawn(*which).delay, 0.5, undone=[3])
    assert float(outcome.state["model/w"][0]) == pytest.approx(means[-1])
    due_in_3 = [c for c in range(CLIENTS) if drawn(2, c).delay == 1 or drawn(1, c).delay == 2]
    assert due_in_3  # or nothing was put to the test


def test_a_lost_round_tells_its_bytes(play):
    _, events, _ = play([0.4, 0.9], failing=[(2, 0), (2, 1), (2, 3)])
    (lost,) = [e for e in events if e["kind"] == "round_lost"]
    assert (lost["bytes_up"], lost["bytes_down"]) == (7, 40)


# --- selection and patience ----------------------------------------------------------------------

UP_AND_DOWN = [0.2, 0.8, 0.4, 0.3, 0.5, 0.6]


@pytest.mark.parametrize(("selection", "expected"), [("dev", (2, 0.8)), ("last", (6, 0.6))])
def test_which_round_is_kept(play, selection, expected):
    outcome, _, _ = play(UP_AND_DOWN, f"rounds.selection={selection}")
    assert (outcome.round, w(outcome)) == expected
    assert outcome.run_state.best_round == 2
    assert outcome.run_state.round == 6


def test_a_lucky_round_is_smoothed_away(play):
    """Round 2 is the best by itself; of the means over three rounds the last is."""
    quality = [0.2, 0.8, 0.2, 0.5, 0.6, 0.7]
    outcome, events, _ = play(quality, "rounds.smoothing=3")
    scores = list(outcome.run_state.dev_scores.values())
    smooth = [np.mean(scores[max(0, i - 2) : i + 1]) for i in range(6)]
    found = [e["score"] for e in events if e["kind"] == "round_finished"]
    assert found == pytest.approx(smooth)
    assert outcome.round == 1 + int(np.argmax(smooth)) == 6


def test_of_equals_the_first_is_kept(play):
    outcome, _, _ = play([0.4, 0.4, 0.4])
    assert outcome.round == 1


@pytest.mark.parametrize(("patience", "last"), [(1, 3), (3, 5), (4, 6), (0, 6)])
def test_patience(play, patience, last):
    outcome, _, _ = play(UP_AND_DOWN, f"rounds.patience={patience}")
    assert (outcome.run_state.round, outcome.round) == (last, 2)


@pytest.mark.parametrize(
    ("every", "evaluated"), [(1, [1, 2, 3, 4, 5]), (2, [2, 4, 5]), (3, [3, 5]), (9, [5])]
)
def test_evaluation_now_and_then_and_always_at_the_end(play, every, evaluated):
    outcome, events, _ = play([0.1, 0.2, 0.3, 0.4, 0.5], f"rounds.evaluate_every={every}")
    assert list(outcome.run_state.dev_scores) == evaluated
    assert [e["round"] for e in events if "score" in e] == evaluated
    assert outcome.round == 5


# --- checkpoints ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("every", "committed"), [(1, [0, 1, 2, 3, 4, 5, 6]), (3, [0, 1, 2, 3, 6]), (9, [0, 1, 2, 6])]
)
def test_checkpoints_at_the_best_at_the_last_and_now_and_then(play, every, committed):
    _, events, engine = play(UP_AND_DOWN, f"rounds.checkpoint_every={every}")
    assert [number for _, number in kinds(events, "checkpoint")] == committed
    assert [c[1] for c in engine.calls] == committed
    assert set(engine.calls[-1][2]) == {2, *committed[-2:]}


def test_a_run_goes_on_from_its_last_checkpoint(play):
    """Stopped by lost rounds 4, 5, 6 and checkpointed at 3; then the clients are well again."""
    settings = ["rounds.checkpoint_every=3"]
    quality = [0.6, 0.2, 0.3, 0.4, 0.5, 0.1]
    with pytest.raises(UserError, match="rounds in a row"):
        play(quality, *settings, failing=everybody(4) + everybody(5) + everybody(6))
    resumed, events, engine = play(quality, *settings)
    assert engine.calls[0] == ("rewind", 3)
    assert [e["round"] for e in events if e["kind"] == "resumed"] == [3]
    straight, _, _ = play(quality, *settings, name="straight")
    assert resumed.run_state == straight.run_state
    assert resumed.state["model/w"].tobytes() == straight.state["model/w"].tobytes()
