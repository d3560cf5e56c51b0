"""The only round loop: statistics, then rounds of training and evaluation; resumed where it was killed."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from fedaffect.errors import UserError
from fedaffect.federation.algorithms.base import State
from fedaffect.federation.events import EVENTS
from fedaffect.federation.server.checkpoints import Checkpoints, RunState
from fedaffect.federation.server.evaluations import Evaluations
from fedaffect.federation.server.server import Server
from fedaffect.federation.server.stages.evaluate import evaluate
from fedaffect.federation.server.stages.fit import train_round
from fedaffect.federation.server.stages.statistics import gather
from fedaffect.learning.metrics import scores


@dataclass(frozen=True)
class Outcome:
    """What a finished run leaves to be kept: the selected round, its state, and its evaluations."""

    round: int
    state: State
    run_state: RunState
    dev: Evaluations
    test: Evaluations


class RoundLoop:
    """One run of one experiment, from its first round or from its last checkpoint."""

    def __init__(self, server: Server, checkpoints: Checkpoints) -> None:
        self._server, self._checkpoints = server, checkpoints
        self._settings = server.experiment.rounds

    def run(self) -> Outcome:
        """Train to the end, evaluate the selected round on test.

        Raises:
            UserError: three rounds in a row were lost.
        """
        run_state, state = self._restored() or self._begun()
        settings = self._settings
        while run_state.round < settings.count and not self._out_of_patience(run_state):
            run_state.round += 1
            begun, number = perf_counter(), run_state.round
            trained = train_round(self._server, run_state, state)
            if trained is not None:
                state, event = trained
                if number % settings.evaluate_every == 0 or number == settings.count:
                    event |= self._evaluate(run_state, state)
                seconds = perf_counter() - begun
                self._server.log.append("round_finished", round=number, **event, seconds=seconds)
            ends = number == settings.count or self._out_of_patience(run_state)
            if number % settings.checkpoint_every == 0 or ends or run_state.best_round == number:
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
        dev, test = (
            evaluate(self._server, run_state, state, selected, split) for split in ("dev", "test")
        )
        return Outcome(selected, state, run_state, dev, test)

    def _restored(self) -> tuple[RunState, State] | None:
        done = self._checkpoints.rounds()
        if not done:
            return None
        restored = self._checkpoints.load(done[-1])  # first: a damaged one must change nothing
        self._server.engine.rewind(done[-1])
        self._server.log.append("resumed", round=done[-1])
        return restored

    def _begun(self) -> tuple[RunState, State]:
        run_state = RunState(selected=[0] * len(self._server.participants))
        initial = self._server.algorithm.initial(self._server.context)
        state = {**initial, **gather(self._server, run_state)}
        self._commit(run_state, state)
        return run_state, state

    def _evaluate(self, run_state: RunState, state: State) -> dict[str, Any]:
        found = evaluate(self._server, run_state, state, run_state.round, "dev")
        run_state.dev_scores[run_state.round] = found.score
        if self._settings.best_test:
            self._note_best_test(run_state, state)
        recent = list(run_state.dev_scores.values())[-self._settings.smoothing :]
        smoothed = float(np.mean(recent))
        if smoothed > run_state.best_score:
            run_state.best_round, run_state.best_score = run_state.round, smoothed
        return {
            "dev": found.summary(),
            "client_dev": [scores(c).weighted_f1 for c in found.personal],
            "score": smoothed,
            "best": run_state.best_round,
        }

    def _note_best_test(self, run_state: RunState, state: State) -> None:
        """Keep the best test scores of any round: for the record alone, nothing is chosen by them."""
        test = evaluate(self._server, run_state, state, run_state.round, "test")
        if test.score > run_state.best_test.get("weighted_f1", -1.0):
            run_state.best_test = {**test.summary()[test.primary], "round": run_state.round}

    def _commit(self, run_state: RunState, state: State) -> None:
        self._checkpoints.save(run_state, state)
        self._server.engine.commit(self._checkpoints.kept(run_state), run_state.round)
        self._server.log.append("checkpoint", round=run_state.round)

    def _out_of_patience(self, run_state: RunState) -> bool:
        patience = self._settings.patience
        return bool(patience) and run_state.round - run_state.best_round >= patience
