"""A whole federation on one machine: corpus, partition, learner, engine and rounds, put together."""

import json
import platform
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from fedaffect.corpus.partition import ClientData, labels_per_client, partition, pooled
from fedaffect.corpus.perturbations import hide_from_all, hide_from_clients, mislabel
from fedaffect.corpus.schema import SPLITS, UNLABELLED, ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment, trace_file
from fedaffect.federation.algorithms import find
from fedaffect.federation.algorithms.base import Context, features, specs
from fedaffect.federation.availability import Trace
from fedaffect.federation.client.memory import MemoryStore
from fedaffect.federation.client.runtime import (
    ClientRuntime,
    Kind,
    published_statistics_specs,
    statistics_specs,
)
from fedaffect.federation.engines.base import Engine
from fedaffect.federation.engines.local import LocalEngine
from fedaffect.federation.engines.workers import WorkersEngine
from fedaffect.federation.events import EVENTS, EventLog, Listener, read
from fedaffect.federation.model_ema import judged
from fedaffect.federation.server.checkpoints import Checkpoints, RunState
from fedaffect.federation.server.evaluator import Evaluations, evaluation_specs
from fedaffect.federation.server.round_loop import Outcome, Rounds
from fedaffect.learning.build import build_learner
from fedaffect.learning.learner import Learner, Tensors

CHECKPOINTS, MEMORY = "checkpoints", "memory"


class Simulation:
    """One run in `folder`, fresh or resumed from its checkpoints."""

    def __init__(
        self,
        experiment: Experiment,
        corpus: ConversationCorpus,
        learner: Learner,
        folder: Path,
        listeners: tuple[Listener, ...] = (),
    ) -> None:
        """
        Args:
            learner: built from the same experiment and corpus (see `fedaffect.learning.build`).

        Raises:
            UserError: the experiment does not fit the corpus, or names what does not exist.
        """
        for split in SPLITS:
            if not (corpus.items_in(split) & (corpus.label != UNLABELLED)).any():
                raise UserError(
                    f"{corpus.name}: split: no labelled utterance in `{split}`; a run learns from "
                    "train, selects on dev and is judged on test: give each some conversations"
                )
        self.algorithm = find(experiment.algorithm)
        client_data = _client_data(corpus, experiment, self.algorithm.pooled)
        self.experiment, self.corpus, self.client_data = experiment, corpus, client_data
        self._kinds = kinds_of(experiment, corpus, learner, _learning(client_data))
        self.context = self._kinds[0].context
        self._ensure_can_share()
        self._crossing = self._declared()  # asks the algorithm, which may refuse
        if experiment.rounds.average and self.algorithm.evaluations[0] != "global":
            raise UserError(
                f"rounds.average: {experiment.algorithm.name} has no global model to take a mean of; use 0"
            )
        file = trace_file(experiment.clients.availability)
        traced = bool(file) and not self.algorithm.pooled
        self._trace = Trace.read(Path(file), [s.name for s in client_data]) if traced else None
        self._learner = learner
        self._memory = MemoryStore(folder / MEMORY)
        self._engine: Engine
        if experiment.engine.workers == 1:
            side = ClientRuntime(self.algorithm, self._kinds, corpus, client_data, self._memory)
            self._engine = LocalEngine(side)
        else:
            make = partial(client_side, experiment, corpus, client_data, folder)
            volumes = [data.volume for data in client_data]
            self._engine = WorkersEngine(make, volumes, experiment.engine.workers, self._memory)
        self._checkpoints = Checkpoints(folder / CHECKPOINTS)
        self._events, self._listeners = folder / EVENTS, listeners

    def run(self, command: str) -> Outcome:
        """Run to the end and write `run_finished`.

        Args:
            command: what a person types to repeat this run.

        Raises:
            UserError: the folder holds another run, or the record of this one was altered.
        """
        begun = perf_counter()
        record = self.experiment.rounds.record
        resumed = bool(self._checkpoints.rounds())
        if resumed:
            self._ensure_as_begun()
        with (
            closing(EventLog(self._events, self._listeners, record)) as log,
            closing(self._engine),
        ):
            if not resumed:
                log.append("run_started", command=command, **self._description())
            outcome = Rounds(
                self.context,
                self.algorithm,
                self.corpus,
                self.client_data,
                self._engine,
                self._learner,
                self._checkpoints,
                log,
                self._trace,
            ).run()
            timing = {"seconds": perf_counter() - begun, "host": platform.node()}
            log.append("run_finished", **self._findings(outcome), timing=timing)
        return outcome

    def models(self, outcome: Outcome) -> Iterator[tuple[str, Tensors]]:
        """What can predict afterwards, statistics included: `model`, or one a client by its name."""
        statistics = features(outcome.state)
        if self.algorithm.evaluations[0] == "global":
            own = self.algorithm.model_for(judged(outcome.state), {}, self.context)
            yield "model", {**own, **statistics}
            return
        for index, data in enumerate(self.client_data):
            memory = self._memory.read(index, at=outcome.round)
            context = self._kinds[index % len(self._kinds)].context
            own = self.algorithm.model_for(outcome.state, memory, context)
            yield data.name, {**own, **statistics}

    def _ensure_can_share(self) -> None:
        """What clients of several kinds exchange must have one shape."""
        leaves = self.algorithm.declared_updates(self.context)
        shapes = [specs(kind.context.initial) for kind in self._kinds]
        if self.algorithm.pooled and len(self._kinds) > 1:
            raise UserError("clients.variants: where all data lie in one place there is one model")
        if any(name in leaves for name in self.context.initial) and any(
            other != shapes[0] for other in shapes
        ):
            raise UserError(
                f"clients.variants: {self.experiment.algorithm.name} exchanges weights, which models of "
                "different shape cannot; share prototypes alone, or leave the variants out"
            )
        dims = sorted({kind.context.embedding_dim for kind in self._kinds})
        if len(dims) > 1 and any(name.startswith("prototype/") for name in leaves):
            raise UserError(
                f"clients.variants: embeddings of lengths {', '.join(map(str, dims))} have no prototypes "
                "in common; set model.embedding_dim"
            )

    def _ensure_as_begun(self) -> None:
        """Figures from two experiments, or from two corpora, must never meet in one run."""
        begun = [event for event in read(self._events) if event["kind"] == "run_started"]
        if not begun:
            raise UserError(f"{self._events}: its beginning is lost; choose another --out")
        now = json.loads(json.dumps(self._description()))
        # With the defaults of settings that have joined since.
        then = Experiment.from_table(begun[-1]["experiment"], str(self._events))
        begun[-1]["experiment"] = json.loads(json.dumps(then.model_dump()))
        for part in ("experiment", "corpus", "trace"):
            if begun[-1].get(part) != now[part]:
                raise UserError(
                    f"{self._events}: the run was begun with another {part}; resume it with that "
                    "one, or choose another --out"
                )

    def _description(self) -> dict[str, Any]:
        corpus, labels = self.corpus, labels_per_client(self.corpus, self.client_data)
        return {
            "run": self.experiment.name,
            "experiment": self.experiment.model_dump(),
            "corpus": {
                "name": corpus.name,
                "classes": list(corpus.classes),
                "modalities": {m.name: list(m.shape) for m in corpus.modalities.values()},
                "synthetic": corpus.provenance.synthetic,
                "sha256": corpus.provenance.sha256,
                "pairing": corpus.provenance.pairing,
                "conversations": {s: len(corpus.conversations_in(s)) for s in SPLITS},
                "utterances": {s: int(corpus.items_in(s).sum()) for s in SPLITS},
            },
            "trace": self._trace.sha256 if self._trace else None,
            "clients": [_client(corpus, s, labels[i].tolist()) for i, s in enumerate(self.client_data)],
            "algorithm": self.experiment.algorithm.name,
            "parameters": sum(a.size for a in self.context.initial.values()),
            "evaluations": [*self.algorithm.evaluations, "personal"],
            "declared": self._crossing,
        }

    def _declared(self) -> list[dict[str, Any]]:
        """What may cross the boundary; what an algorithm sends up comes down again as an aggregate."""
        leaves, about = self.algorithm.declared_updates(self.context), (self.corpus, self.experiment)
        judged = self.algorithm.evaluations[0] != "global"
        up = {
            **leaves,
            **statistics_specs(*about),
            **(evaluation_specs(self.corpus, "test") if judged else {}),
        }
        initial = specs(self.algorithm.initial(self.context))
        down = {**initial, **leaves, **published_statistics_specs(*about)}
        return [
            {"name": name, "shape": list(s.shape), "dtype": s.dtype, "direction": direction}
            for direction, table in (("up", up), ("down", down))
            for name, s in table.items()
        ]

    def _findings(self, outcome: Outcome) -> dict[str, Any]:
        run_state, test = outcome.run_state, outcome.test
        heads = test.modes[test.primary]
        per_client = [h.modality_weights for h in heads]
        weights = np.sum(per_client, axis=0)
        selected = run_state.selected
        never = [s.name for s, times in zip(self.client_data, selected, strict=True) if not times]
        return {
            "selected_round": outcome.round,
            "rounds": run_state.round,
            "stopped": "count" if run_state.round == self.experiment.rounds.count else "patience",
            "dev": outcome.dev.summary(),
            "test": test.details(self.experiment.seed),
            "confusion": np.sum([h.total for h in heads], axis=0).tolist(),
            # Of one model, so that two runs can be compared conversation by conversation.
            "confusion_by_conversation": heads[0].confusion.tolist() if len(heads) == 1 else None,
            "modality_weights": _normalised(weights).tolist(),
            "client_modality_weights": (
                [_normalised(w.sum(axis=0)).tolist() for w in per_client]
                if len(heads) > 1
                else None
            ),
            "reliability": np.sum([h.reliability for h in heads], axis=0).tolist(),
            "clients": _client_scores(self.client_data, selected, test),
            "never_selected": never,
            "stability": stability(run_state),
            "best_test": run_state.best_test or None,
            "bytes_evaluation": run_state.bytes_evaluation,
            "bytes_up": run_state.bytes_up,
            "bytes_down": run_state.bytes_down,
        }


def _client_data(corpus: ConversationCorpus, experiment: Experiment, in_one: bool) -> list[ClientData]:
    """What each client holds; in one place all of it, but no more than clients would be given."""
    conditions, seed, shots = experiment.conditions, experiment.seed, experiment.partition.shots
    if in_one and not shots and not conditions.missing_clients:
        return mislabel(corpus, pooled(corpus), conditions, seed)
    given = partition(corpus, experiment.partition, seed)
    client_data = hide_from_clients(corpus, given, conditions, seed)
    if in_one:
        whole = pooled(corpus)[0]
        if shots:
            labels = np.unique(np.concatenate([data.supervised for data in client_data]))
            whole = replace(whole, supervised=labels)
        client_data = [hide_from_all(corpus, whole, client_data)]
    return mislabel(corpus, client_data, conditions, seed)


def forget_progress(folder: Path) -> None:
    """Delete what only going on with a run would read: all it needs has been made of it."""
    for name in (CHECKPOINTS, MEMORY):
        if (folder / name).exists():
            shutil.rmtree(folder / name)


def client_side(
    experiment: Experiment, corpus: ConversationCorpus, client_data: Sequence[ClientData], folder: Path
) -> ClientRuntime:
    """The client side of a worker process, with a learner of its own."""
    learner = build_learner(corpus, experiment)
    kinds = kinds_of(experiment, corpus, learner, _learning(client_data))
    memory = MemoryStore(folder / MEMORY)
    return ClientRuntime(find(experiment.algorithm), kinds, corpus, client_data, memory)


def kinds_of(
    experiment: Experiment, corpus: ConversationCorpus, learner: Learner, clients: int
) -> list[Kind]:
    """A kind of client for each of `clients.variants`; without any, the one of the given learner."""
    if not experiment.clients.variants:
        return [Kind(_context(experiment, corpus, learner, clients), learner)]
    kinds = []
    for settings in experiment.clients.variants:
        own = experiment.with_settings(settings)
        one = build_learner(corpus, own)
        kinds.append(Kind(_context(own, corpus, one, clients), one))
    return kinds


def _context(
    experiment: Experiment, corpus: ConversationCorpus, learner: Learner, clients: int
) -> Context:
    names, dim = tuple(corpus.features), learner.embedding_dim
    return Context(experiment, corpus.classes, 0, learner.get(), dim, names, clients)


def _learning(client_data: Sequence[ClientData]) -> int:
    """How many clients ever take part: those with something to learn from."""
    return sum(data.volume > 0 for data in client_data)


def stability(run_state: RunState) -> dict[str, float | int]:
    """How calmly the dev score rose: spread at the end, worst fall, rounds until it stays near."""
    if not run_state.dev_scores:
        return {"sd_last_5": 0.0, "largest_drop": 0.0, "rounds_to_within_1_point": run_state.round}
    rounds, values = list(run_state.dev_scores), np.array(list(run_state.dev_scores.values()))
    falls = values[:-1] - values[1:]
    near = np.abs(values - values[-1]) <= 0.01
    settled = len(near) - int(np.argmin(near[::-1])) if not near.all() else 0
    return {
        "sd_last_5": float(values[-5:].std()),
        "largest_drop": float(max(falls.max(initial=0.0), 0.0)),
        "rounds_to_within_1_point": rounds[settled],
    }


def _client(corpus: ConversationCorpus, data: ClientData, labels: list[int]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": data.name,
        "conversations": len(data.conversations),
        "volume": data.volume,
        "labels": labels,
    }
    if data.lacking:
        told["lacking"] = list(data.lacking)
    if data.label is not None:
        told["mislabelled"] = int((data.label != corpus.label[data.supervised]).sum())
    return told


def _client_scores(
    client_data: Sequence[ClientData], selected: Sequence[int], test: Evaluations
) -> list[dict[str, Any]]:
    own = test.weighted_f1_of("local") if "local" in test.modes else [None] * len(client_data)
    personal = test.weighted_f1_of("personal")
    return [
        {
            "name": s.name,
            "volume": s.volume,
            "selected": selected[i],
            "local_weighted_f1": own[i],
            "personal_weighted_f1": personal[i],
        }
        for i, s in enumerate(client_data)
    ]


def _normalised(weights: Any) -> Any:
    total = weights.sum(axis=-1, keepdims=True)
    return np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
