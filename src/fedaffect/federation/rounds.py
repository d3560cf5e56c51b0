"""The only round loop: plan, exchange, aggregate, evaluate, checkpoint; resume where it was killed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from time import perf_counter
from typing import Any

import numpy as np

from fedaffect.corpus.partition import Share, labels_per_client
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.federation.algorithms.base import Algorithm, Context, State
from fedaffect.federation.availability import Trace
from fedaffect.federation.averaging import averaged, judged
from fedaffect.federation.checkpoints import Checkpoints, Standing
from fedaffect.federation.client_side import Message, tells_label_frequencies
from fedaffect.federation.conditions import arrived, fate, put_by, settled
from fedaffect.federation.drift import Drift
from fedaffect.federation.engines.contract import Engine, Reply
from fedaffect.federation.evaluation import (
    Judgement,
    evaluate_modes,
    from_tensors,
    judge_personal,
)
from fedaffect.federation.events import EVENTS, EventLog
from fedaffect.federation.selection import select
from fedaffect.federation.update import Update
from fedaffect.learning.learner import Learner
from fedaffect.learning.metrics import scores

LOST_IN_ROW = 3


@dataclass(frozen=True)
class Outcome:
    """What a finished run leaves to be kept: the selected round, its state, and how it was judged."""

    round: int
    state: State
    standing: Standing
    dev: Judgement
    test: Judgement


class Rounds:
    """One run of one experiment, from its first round or from its last checkpoint."""

    def __init__(
        self,
        context: Context,
        algorithm: Algorithm,
        corpus: ConversationCorpus,
        shares: Sequence[Share],
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
        self._shares = shares
        self._labels = labels_per_client(corpus, shares)
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
        standing, state = self._restored() or self._begun()
        settings = self._experiment.rounds
        while standing.round < settings.count and not self._out_of_patience(standing):
            standing.round += 1
            begun = perf_counter()
            trained = self._round(standing, state)
            if trained is not None:
                state, account = trained
                if (
                    standing.round % settings.evaluate_every == 0
                    or standing.round == settings.count
                ):
                    account |= self._evaluate(standing, state)
                seconds = perf_counter() - begun
                self._log.append("round_finished", round=standing.round, **account, seconds=seconds)
            ends = standing.round == settings.count or self._out_of_patience(standing)
            best = standing.best_round == standing.round
            if standing.round % settings.checkpoint_every == 0 or ends or best:
                self._commit(standing, state)
        if standing.lost_in_row >= standing.round:
            raise UserError(
                f"none of {standing.round} rounds succeeded (see {EVENTS}); lower training.learning_rate "
                "if clients diverge, or rounds.quorum if they drop out"
            )
        # Without a single score (the round that was due was lost) the last state is what there is.
        by_dev = settings.selection == "dev" and standing.dev_scores
        selected = standing.best_round if by_dev else standing.round
        if selected != standing.round:
            _, state = self._checkpoints.load(selected)
        dev, test = (self._judgement(standing, state, selected, split) for split in ("dev", "test"))
        return Outcome(selected, state, standing, dev, test)

    def _restored(self) -> tuple[Standing, State] | None:
        done = self._checkpoints.rounds()
        if not done:
            return None
        restored = self._checkpoints.load(done[-1])  # first: a damaged one must change nothing
        self._engine.rewind(done[-1])
        self._log.append("resumed", round=done[-1])
        return restored

    def _begun(self) -> tuple[Standing, State]:
        standing = Standing(selected=[0] * len(self._shares))
        state = {**self._algorithm.initial(self._context), **self._statistics(standing)}
        self._commit(standing, state)
        return standing, state

    def _statistics(self, standing: Standing) -> State:
        """Feature statistics and label frequencies over all clients, from sums alone."""
        experiment = self._experiment
        if experiment.features.standardise == "none" and not tells_label_frequencies(experiment):
            return {}
        messages = [Message("statistics", i, 0, {}) for i in range(len(self._shares))]
        seen = _Seen()
        replies = self._exchange("statistics", messages)
        updates = (reply.update for reply in seen.counted(replies) if reply.update)
        means = self._algorithm.aggregator.reduce(updates).tensors
        standing.bytes_up += seen.bytes_up
        standing.bytes_down += seen.bytes_down
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

    def _round(self, standing: Standing, state: State) -> tuple[State, dict[str, Any]] | None:
        """Train one round; the new state and its account, or None where the round was lost."""
        number = standing.round
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
        messages = [Message("train", i, number, public) for i in cohort.chosen]
        compares = self._experiment.rounds.record == "clients" and not self._algorithm.pooled
        seen = _Seen(Drift(public, self._experiment.seed) if compares else None)
        due, waiting = arrived(state, number, self._experiment.conditions.late_discount)
        updates = chain(due, self._received(number, messages, seen))
        aggregate = self._algorithm.aggregator.reduce(updates)
        standing.bytes_up += seen.bytes_up
        standing.bytes_down += seen.bytes_down
        for client in cohort.chosen:
            standing.selected[client] += 1
        if not seen.losses or len(seen.losses) < self._experiment.rounds.quorum * len(messages):
            self._lost(standing, seen, len(messages))
            return None
        standing.lost_in_row = 0
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
        self, number: int, messages: Sequence[Message], seen: "_Seen"
    ) -> Iterator[Update]:
        """The updates of a round as they come, each entered into the record."""
        for reply in seen.counted(self._exchange("train", messages)):
            if reply.update is None:
                seen.reasons.append(reply.reason)
                self._log.append(
                    "client_failed", round=number, client=reply.client, reason=reply.reason
                )
                continue
            drawn = fate(self._algorithm, self._experiment, number, reply.client)
            account = self._account(number, reply, reply.update)
            self._log.append("client_finished", **account, **drawn.told)
            if drawn.lost:
                continue
            if drawn.delay:
                seen.late |= put_by(reply.update, reply.client, number, number + drawn.delay)
                continue
            if seen.drift:
                seen.drift.observe(reply.client, reply.update)
            seen.losses.append(reply.update.scalars.get("loss", 0.0))
            seen.volumes.append(self._shares[reply.client].volume)
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
            "volume": self._shares[reply.client].volume,
            "seconds": reply.seconds,
            "bytes_up": reply.bytes_up,
            "bytes_down": reply.bytes_down,
            "sent": sent,
            "scalars": {n: s for n, s in update.scalars.items() if n != "loss"},
        }

    def _lost(self, standing: Standing, seen: "_Seen", asked: int) -> None:
        got, quorum = len(seen.losses), self._experiment.rounds.quorum
        reason = f"{got} of {asked} clients answered; the quorum is {quorum:g}"
        # What clients remember must not run ahead of a state that never heard of it.
        self._engine.rewind(standing.round - 1)
        if not asked:
            reason = "nobody was online (clients.availability)"
        if seen.reasons:
            reason += f"; first failure: {seen.reasons[0]}"
        moved = {"bytes_up": seen.bytes_up, "bytes_down": seen.bytes_down}
        self._log.append("round_lost", round=standing.round, reason=reason, **moved)
        standing.lost_in_row += 1
        if standing.lost_in_row >= LOST_IN_ROW:
            raise UserError(
                f"round {standing.round}: {LOST_IN_ROW} rounds in a row were lost ({reason}); "
                "lower training.learning_rate if clients diverge, or rounds.quorum if they drop out"
            )

    def _evaluate(self, standing: Standing, state: State) -> dict[str, Any]:
        judgement = self._judgement(standing, state, standing.round, "dev")
        standing.dev_scores[standing.round] = judgement.score
        if self._experiment.rounds.best_test:
            self._watch_test(standing, state)
        recent = list(standing.dev_scores.values())[-self._experiment.rounds.smoothing :]
        smoothed = float(np.mean(recent))
        if smoothed > standing.best_score:
            standing.best_round, standing.best_score = standing.round, smoothed
        return {
            "dev": judgement.summary(),
            "client_dev": [scores(c).weighted_f1 for c in judgement.personal],
            "score": smoothed,
            "best": standing.best_round,
        }

    def _watch_test(self, standing: Standing, state: State) -> None:
        """Keep the best test scores of any round: for the record alone, nothing is chosen by them."""
        test = self._judgement(standing, state, standing.round, "test")
        if test.score > standing.best_test.get("weighted_f1", -1.0):
            standing.best_test = {**test.summary()[test.primary], "round": standing.round}

    def _judgement(self, standing: Standing, state: State, number: int, split: str) -> Judgement:
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
                Message("evaluate", i, number, public, split) for i in range(len(self._shares))
            ]
            replies = list(self._exchange("evaluate", messages))
            standing.bytes_evaluation += sum(r.bytes_up + r.bytes_down for r in replies)
            found = [from_tensors(r.update.tensors) for r in replies if r.update]
        modes = {primary: [one["head"] for one in found]}
        if all("prototype" in one for one in found):
            modes["prototype"] = [one["prototype"] for one in found]
        return Judgement(modes, judge_personal(modes[primary], self._labels), primary)

    def _commit(self, standing: Standing, state: State) -> None:
        self._checkpoints.save(standing, state)
        self._engine.commit(self._checkpoints.kept(standing), standing.round)
        self._log.append("checkpoint", round=standing.round)

    def _out_of_patience(self, standing: Standing) -> bool:
        patience = self._experiment.rounds.patience
        return bool(patience) and standing.round - standing.best_round >= patience

    def _exchange(self, stage: str, messages: Sequence[Message]) -> Iterator[Reply]:
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
