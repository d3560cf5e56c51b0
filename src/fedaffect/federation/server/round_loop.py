"""The only round loop: plan, exchange, aggregate, evaluate, checkpoint; resume where it was killed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from time import perf_counter
from typing import Any

import numpy as np

from fedaffect.corpus.partition import ClientData, labels_per_client
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.federation.algorithms.base import Algorithm, Context, State
from fedaffect.federation.availability import Trace
from fedaffect.federation.client.runtime import Request, tells_label_frequencies
from fedaffect.federation.drift import Drift
from fedaffect.federation.engines.base import Engine, Reply
from fedaffect.federation.events import EVENTS, EventLog
from fedaffect.federation.faults import draw_fault, pop_due, settled, store_late
from fedaffect.federation.messages.update import Update
from fedaffect.federation.model_ema import averaged, judged
from fedaffect.federation.selection import select
from fedaffect.federation.server.checkpoints import Checkpoints, RunState
from fedaffect.federation.server.evaluator import (
    Evaluations,
    evaluate_modes,
    from_tensors,
    judge_personal,
)
from fedaffect.learning.learner import Learner
from fedaffect.learning.metrics import scores

LOST_IN_ROW = 3


@dataclass(frozen=True)
class Outcome:
    """What a finished run leaves to be kept: the selected round, its state, and how it was judged."""

    round: int
    state: State
    run_state: RunState
    dev: Evaluations
    test: Evaluations


class Rounds:
    """One run of one experiment, from its first round or from its last checkpoint."""

    def __init__(
        self,
        context: Context,
        algorithm: Algorithm,
        corpus: ConversationCorpus,
        client_data: Sequence[ClientData],
        engine: Engine,
        judge: Learner,
        checkpoints: Checkpoints,
        log: EventLog,
        trace: Trace | None = None,
    ) -> None:
        """
        Args:
            judge: the server's own learner, with which it evaluates a global model.
            trace: who is online when, where the experiment names such a file.
        """
        self._context = context
        self._experiment = context.experiment
        self._algorithm = algorithm
        self._corpus = corpus
        self._client_data = client_data
        self._labels = labels_per_client(corpus, client_data)
        self._engine = engine
        self._judge = judge
        self._checkpoints = checkpoints
        self._log = log
        self._trace = trace

    def run(self) -> Outcome:
        """Train to the end, evaluate the selected round on test.

        Raises:
            UserError: three rounds in a row were lost.
        """
        run_state, state = self._restored() or self._begun()
        settings = self._experiment.rounds
        while run_state.round < settings.count and not self._out_of_patience(run_state):
            run_state.round += 1
            begun = perf_counter()
            trained = self._round(run_state, state)
            if trained is not None:
                state, account = trained
                if (
                    run_state.round % settings.evaluate_every == 0
                    or run_state.round == settings.count
                ):
                    account |= self._evaluate(run_state, state)
                seconds = perf_counter() - begun
                self._log.append("round_finished", round=run_state.round, **account, seconds=seconds)
            ends = run_state.round == settings.count or self._out_of_patience(run_state)
            best = run_state.best_round == run_state.round
            if run_state.round % settings.checkpoint_every == 0 or ends or best:
                self._commit(run_state, state)
        if run_state.lost_in_row >= run_state.round:
            raise UserError(
                f"none of {run_state.round} rounds succeeded (see {EVENTS}); lower training.learning_rate "
                "if clients diverge, or rounds.quorum if they drop out"
            )
        # Without a single score (the round that was due was lost) the last state is what there is.
        by_dev = settings.selection == "dev" and run_state.dev_scores
        selected = run_state.best_round if by_dev else run_state.round
        if selected != run_state.round:
            _, state = self._checkpoints.load(selected)
        dev, test = (self._judgement(run_state, state, selected, split) for split in ("dev", "test"))
        return Outcome(selected, state, run_state, dev, test)

    def _restored(self) -> tuple[RunState, State] | None:
        done = self._checkpoints.rounds()
        if not done:
            return None
        restored = self._checkpoints.load(done[-1])  # first: a damaged one must change nothing
        self._engine.rewind(done[-1])
        self._log.append("resumed", round=done[-1])
        return restored

    def _begun(self) -> tuple[RunState, State]:
        run_state = RunState(selected=[0] * len(self._client_data))
        state = {**self._algorithm.initial(self._context), **self._statistics(run_state)}
        self._commit(run_state, state)
        return run_state, state

    def _statistics(self, run_state: RunState) -> State:
        """Feature statistics and label frequencies over all clients, from sums alone."""
        experiment = self._experiment
        if experiment.features.standardise == "none" and not tells_label_frequencies(experiment):
            return {}
        messages = [Request("statistics", i, 0, {}) for i in range(len(self._client_data))]
        seen = _Seen()
        replies = self._exchange("statistics", messages)
        updates = (reply.update for reply in seen.counted(replies) if reply.update)
        means = self._algorithm.aggregator.reduce(updates).tensors
        run_state.bytes_up += seen.bytes_up
        run_state.bytes_down += seen.bytes_down
        self._log.append("statistics_finished", bytes_up=seen.bytes_up, bytes_down=seen.bytes_down)
        state: State = {n: a for n, a in means.items() if n.startswith("statistics/")}
        for name in self._corpus.features:
            if f"features/{name}/mean" in means:
                mean = means[f"features/{name}/mean"]
                scale = np.sqrt(np.maximum(means[f"features/{name}/mean_square"] - mean**2, 0.0))
                state[f"features/{name}/mean"] = mean.astype(np.float32)
                constant = scale < 1e-6
                state[f"features/{name}/scale"] = np.where(constant, 1.0, scale).astype(np.float32)
        return state

    def _round(self, run_state: RunState, state: State) -> tuple[State, dict[str, Any]] | None:
        """Train one round; the new state and its account, or None where the round was lost."""
        number = run_state.round
        cohort = select(
            self._experiment.clients,
            self._labels.sum(axis=1),
            self._experiment.seed,
            number,
            self._trace,
        )
        self._log.append(
            "round_started", round=number, cohort=list(cohort.chosen), offline=list(cohort.offline)
        )
        public = _public(state)
        messages = [Request("train", i, number, public) for i in cohort.chosen]
        compares = self._experiment.rounds.record == "clients" and not self._algorithm.pooled
        seen = _Seen(Drift(public, self._experiment.seed) if compares else None)
        due, waiting = pop_due(state, number, self._experiment.conditions.late_discount)
        updates = chain(due, self._received(number, messages, seen))
        aggregate = self._algorithm.aggregator.reduce(updates)
        run_state.bytes_up += seen.bytes_up
        run_state.bytes_down += seen.bytes_down
        for client in cohort.chosen:
            run_state.selected[client] += 1
        if not seen.losses or len(seen.losses) < self._experiment.rounds.quorum * len(messages):
            self._lost(run_state, seen, len(messages))
            return None
        run_state.lost_in_row = 0
        context = replace(self._context, round=number)
        before = settled(state)
        state = self._algorithm.server_round(before, aggregate, context)
        if self._experiment.rounds.average:
            state = averaged(state, before, self._experiment.rounds.average, number)
        return {**state, **waiting, **seen.late}, {
            "loss": float(np.average(seen.losses, weights=seen.volumes)),
            "updates": aggregate.updates,
            "late": len(due),
            "bytes_up": seen.bytes_up,
            "bytes_down": seen.bytes_down,
            "measures": self._algorithm.measures(state, context),
            "drift": seen.drift.account(state) if seen.drift else {},
        }

    def _received(
        self, number: int, messages: Sequence[Request], seen: "_Seen"
    ) -> Iterator[Update]:
        """The updates of a round as they come, each entered into the record."""
        for reply in seen.counted(self._exchange("train", messages)):
            if reply.update is None:
                seen.reasons.append(reply.reason)
                self._log.append(
                    "client_failed", round=number, client=reply.client, reason=reply.reason
                )
                continue
            drawn = draw_fault(self._algorithm, self._experiment, number, reply.client)
            account = self._account(number, reply, reply.update)
            self._log.append("client_finished", **account, **drawn.told)
            if drawn.lost:
                continue
            if drawn.delay:
                seen.late |= store_late(reply.update, reply.client, number, number + drawn.delay)
                continue
            if seen.drift:
                seen.drift.observe(reply.client, reply.update)
            seen.losses.append(reply.update.scalars.get("loss", 0.0))
            seen.volumes.append(self._client_data[reply.client].volume)
            yield reply.update

    def _account(self, number: int, reply: Reply, update: Update) -> dict[str, Any]:
        sent: dict[str, int] = {}
        tensors = {} if self._algorithm.pooled else update.tensors
        for name, array in tensors.items():
            kind = name.partition("/")[0]
            sent[kind] = sent.get(kind, 0) + array.nbytes
        return {
            "round": number,
            "client": reply.client,
            "loss": update.scalars.get("loss", 0.0),
            "volume": self._client_data[reply.client].volume,
            "seconds": reply.seconds,
            "bytes_up": reply.bytes_up,
            "bytes_down": reply.bytes_down,
            "sent": sent,
            "scalars": {n: s for n, s in update.scalars.items() if n != "loss"},
        }

    def _lost(self, run_state: RunState, seen: "_Seen", asked: int) -> None:
        got, quorum = len(seen.losses), self._experiment.rounds.quorum
        reason = f"{got} of {asked} clients answered; the quorum is {quorum:g}"
        # What clients remember must not run ahead of a state that never heard of it.
        self._engine.rewind(run_state.round - 1)
        if not asked:
            reason = "nobody was online (clients.availability)"
        if seen.reasons:
            reason += f"; first failure: {seen.reasons[0]}"
        moved = {"bytes_up": seen.bytes_up, "bytes_down": seen.bytes_down}
        self._log.append("round_lost", round=run_state.round, reason=reason, **moved)
        run_state.lost_in_row += 1
        if run_state.lost_in_row >= LOST_IN_ROW:
            raise UserError(
                f"round {run_state.round}: {LOST_IN_ROW} rounds in a row were lost ({reason}); "
                "lower training.learning_rate if clients diverge, or rounds.quorum if they drop out"
            )

    def _evaluate(self, run_state: RunState, state: State) -> dict[str, Any]:
        judgement = self._judgement(run_state, state, run_state.round, "dev")
        run_state.dev_scores[run_state.round] = judgement.score
        if self._experiment.rounds.best_test:
            self._watch_test(run_state, state)
        recent = list(run_state.dev_scores.values())[-self._experiment.rounds.smoothing :]
        smoothed = float(np.mean(recent))
        if smoothed > run_state.best_score:
            run_state.best_round, run_state.best_score = run_state.round, smoothed
        return {
            "dev": judgement.summary(),
            "client_dev": [scores(c).weighted_f1 for c in judgement.personal],
            "score": smoothed,
            "best": run_state.best_round,
        }

    def _watch_test(self, run_state: RunState, state: State) -> None:
        """Keep the best test scores of any round: for the record alone, nothing is chosen by them."""
        test = self._judgement(run_state, state, run_state.round, "test")
        if test.score > run_state.best_test.get("weighted_f1", -1.0):
            run_state.best_test = {**test.summary()[test.primary], "round": run_state.round}

    def _judgement(self, run_state: RunState, state: State, number: int, split: str) -> Evaluations:
        """Evaluate a state, the clients remembering what they did after round `number`."""
        primary = self._algorithm.evaluations[0]
        if primary == "global":
            state = judged(state)
            model = self._algorithm.model_for(state, {}, self._context)
            found = [
                evaluate_modes(self._algorithm, state, model, self._judge, self._corpus, split)
            ]
        else:
            public = _public(state)
            messages = [
                Request("evaluate", i, number, public, split) for i in range(len(self._client_data))
            ]
            replies = list(self._exchange("evaluate", messages))
            run_state.bytes_evaluation += sum(r.bytes_up + r.bytes_down for r in replies)
            found = [from_tensors(r.update.tensors) for r in replies if r.update]
        modes = {primary: [one["head"] for one in found]}
        if all("prototype" in one for one in found):
            modes["prototype"] = [one["prototype"] for one in found]
        return Evaluations(modes, judge_personal(modes[primary], self._labels), primary)

    def _commit(self, run_state: RunState, state: State) -> None:
        self._checkpoints.save(run_state, state)
        self._engine.commit(self._checkpoints.kept(run_state), run_state.round)
        self._log.append("checkpoint", round=run_state.round)

    def _out_of_patience(self, run_state: RunState) -> bool:
        patience = self._experiment.rounds.patience
        return bool(patience) and run_state.round - run_state.best_round >= patience

    def _exchange(self, stage: str, messages: Sequence[Request]) -> Iterator[Reply]:
        """The engine's replies; where all data lie in one place nothing travels, so nothing is counted."""
        for reply in self._engine.exchange(stage, messages):
            pooled = self._algorithm.pooled
            yield replace(reply, bytes_up=0, bytes_down=0) if pooled else reply


def _public(state: State) -> State:
    """What is broadcast of a state."""
    return {n: a for n, a in state.items() if not n.startswith("server/")}


class _Seen:
    """What the server noticed while updates came in."""

    def __init__(self, drift: Drift | None = None) -> None:
        self.drift = drift
        self.losses: list[float] = []
        self.volumes: list[int] = []
        self.reasons: list[str] = []
        self.late: State = {}
        self.bytes_up = self.bytes_down = 0

    def counted(self, replies: Iterable[Reply]) -> Iterator[Reply]:
        """The replies, their bytes added up as they go by."""
        for reply in replies:
            self.bytes_up += reply.bytes_up
            self.bytes_down += reply.bytes_down
            yield reply
