"""A whole federation on one machine: both sides, their corpus and their learners, put together."""

import json
import platform
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from fedaffect import registry
from fedaffect.corpus.partition import labels_per_client
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment, trace_file, with_new_names
from fedaffect.federation.algorithms import find
from fedaffect.federation.algorithms.base import Algorithm, Context, features
from fedaffect.federation.availability import Trace
from fedaffect.federation.client.memory import MemoryStore
from fedaffect.federation.client.runtime import ClientRuntime
from fedaffect.federation.client.site import ClientVariant
from fedaffect.federation.client.stages.evaluate import evaluate_model
from fedaffect.federation.client_data import dealt
from fedaffect.federation.engines.base import Engine, Workplace
from fedaffect.federation.events import EVENTS, EventLog, Listener, read
from fedaffect.federation.messages.declarations import specs
from fedaffect.federation.messages.request import Work
from fedaffect.federation.model_ema import averaged_model
from fedaffect.federation.run_events import declared, run_finished
from fedaffect.federation.server.checkpoints import Checkpoints
from fedaffect.federation.server.participants import Participants
from fedaffect.federation.server.round_loop import Outcome, RoundLoop
from fedaffect.federation.server.server import Server
from fedaffect.learning.build import build_learner
from fedaffect.learning.learner import Learner
from fedaffect.learning.metrics import Evaluation
from fedaffect.schema import SPLITS, UNLABELLED, ClientData, Tensors

CHECKPOINTS, MEMORY = "checkpoints", "memory"


@dataclass(frozen=True)
class OwnEvaluator:
    """An `Evaluator` on parts of a corpus that lies where the server is."""

    algorithm: Algorithm
    learner: Learner
    corpus: ConversationCorpus

    def evaluate(self, state: Tensors, model: Tensors, split: str) -> dict[str, Evaluation]:
        return evaluate_model(self.algorithm, state, model, self.learner, self.corpus, split)


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
                    "train, selects on dev and is tested on test: give each some conversations"
                )
        self.algorithm = find(experiment.algorithm)
        self.client_data = dealt(corpus, experiment, self.algorithm.all_in_one_client)
        self.experiment, self.corpus = experiment, corpus
        self._variants = client_variants(experiment, corpus, learner, self.client_data)
        self.context = self._variants[0].context
        self._ensure_can_share()
        # Asks the algorithm, which may refuse.
        tested = len(corpus.conversations_in("test"))
        self._declared = declared(self.algorithm, self.context, corpus.schema, tested)
        if experiment.rounds.average and self.algorithm.evaluations[0] != "global":
            raise UserError(
                f"rounds.average: {experiment.algorithm.name} has no global model to take a mean of; use 0"
            )
        names = tuple(data.name for data in self.client_data)
        self._participants = Participants(names, labels_per_client(corpus, self.client_data))
        file = trace_file(experiment.clients.availability)
        traced = bool(file) and not self.algorithm.all_in_one_client
        self._trace = Trace.read(Path(file), list(names)) if traced else None
        self._learner = learner
        self._memory = MemoryStore(folder / MEMORY)
        self._engine = self._made_engine(folder)
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
            server = Server(
                self.context,
                self.algorithm,
                self._participants,
                self._engine,
                OwnEvaluator(self.algorithm, self._learner, self.corpus),
                log,
                self._trace,
            )
            outcome = RoundLoop(server, self._checkpoints).run()
            timing = {"seconds": perf_counter() - begun, "host": platform.node()}
            found = run_finished(self.experiment, self._participants, outcome)
            log.append("run_finished", **found, timing=timing)
        return outcome

    def models(self, outcome: Outcome) -> Iterator[tuple[str, Tensors]]:
        """What can predict afterwards, statistics included: `model`, or one a client by its name."""
        statistics = features(outcome.state)
        if self.algorithm.evaluations[0] == "global":
            own = self.algorithm.model_for(averaged_model(outcome.state), {}, self.context)
            yield "model", {**own, **statistics}
            return
        for index, data in enumerate(self.client_data):
            memory = self._memory.read(index, at=outcome.round)
            context = self._variants[index % len(self._variants)].context
            own = self.algorithm.model_for(outcome.state, memory, context)
            yield data.name, {**own, **statistics}

    def _made_engine(self, folder: Path) -> Engine:
        settings, here = self.experiment.engine, (self.experiment, self.corpus, self.client_data)
        make_work: Any = partial(client_work, *here, folder)
        if settings.workers == 1:  # the learner that is there already
            runtime = ClientRuntime(
                self.algorithm, self._variants, self.corpus, self.client_data, self._memory
            )
            make_work = lambda: runtime.work  # noqa: E731
        volumes = [data.volume for data in self.client_data]
        workplace = Workplace(make_work, volumes, self._memory, settings.workers)
        engine: Engine = registry.find("engine", settings.name)(settings.settings, workplace)
        return engine

    def _ensure_can_share(self) -> None:
        """What clients of several variants exchange must have one shape."""
        updates = self.algorithm.declared_updates(self.context)
        shapes = [specs(variant.context.initial) for variant in self._variants]
        if self.algorithm.all_in_one_client and len(self._variants) > 1:
            raise UserError("clients.variants: where all data lie in one place there is one model")
        if any(name in updates for name in self.context.initial) and any(
            other != shapes[0] for other in shapes
        ):
            raise UserError(
                f"clients.variants: {self.experiment.algorithm.name} exchanges weights, which models of "
                "different shape cannot; share prototypes alone, or leave the variants out"
            )
        dims = sorted({variant.context.embedding_dim for variant in self._variants})
        if len(dims) > 1 and any(name.startswith("prototype/") for name in updates):
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
        named = with_new_names(begun[-1]["experiment"], quiet=True)
        then = Experiment.from_table(named, str(self._events))
        begun[-1]["experiment"] = json.loads(json.dumps(then.model_dump()))
        for part in ("experiment", "corpus", "trace"):
            if begun[-1].get(part) != now[part]:
                raise UserError(
                    f"{self._events}: the run was begun with another {part}; resume it with that "
                    "one, or choose another --out"
                )

    def _description(self) -> dict[str, Any]:
        corpus, labels = self.corpus, self._participants.labels
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
            "clients": [
                _client(corpus, data, labels[i].tolist()) for i, data in enumerate(self.client_data)
            ],
            "algorithm": self.experiment.algorithm.name,
            "parameters": sum(a.size for a in self.context.initial.values()),
            "evaluations": [*self.algorithm.evaluations, "personal"],
            "declared": self._declared,
        }


def forget_progress(folder: Path) -> None:
    """Delete what only going on with a run would read: all it needs has been made of it."""
    for name in (CHECKPOINTS, MEMORY):
        if (folder / name).exists():
            shutil.rmtree(folder / name)


def client_work(
    experiment: Experiment,
    corpus: ConversationCorpus,
    client_data: Sequence[ClientData],
    folder: Path,
) -> Work:
    """The clients' work in a process of its own, with a learner of its own."""
    learner = build_learner(corpus, experiment)
    variants = client_variants(experiment, corpus, learner, client_data)
    memory = MemoryStore(folder / MEMORY)
    algorithm = find(experiment.algorithm)
    return ClientRuntime(algorithm, variants, corpus, client_data, memory).work


def client_variants(
    experiment: Experiment,
    corpus: ConversationCorpus,
    learner: Learner,
    client_data: Sequence[ClientData],
) -> list[ClientVariant]:
    """One for each of `clients.variants`; without any, the one of the given learner."""
    clients = sum(data.volume > 0 for data in client_data)  # those that ever take part
    if not experiment.clients.variants:
        return [ClientVariant(_context(experiment, corpus, learner, clients), learner)]
    variants = []
    for settings in experiment.clients.variants:
        own = experiment.with_settings(settings)
        one = build_learner(corpus, own)
        variants.append(ClientVariant(_context(own, corpus, one, clients), one))
    return variants


def _context(
    experiment: Experiment, corpus: ConversationCorpus, learner: Learner, clients: int
) -> Context:
    names, dim = tuple(corpus.features), learner.embedding_dim
    return Context(experiment, corpus.classes, 0, learner.get(), dim, names, clients)


def _client(corpus: ConversationCorpus, data: ClientData, labels: list[int]) -> dict[str, Any]:
    event: dict[str, Any] = {
        "name": data.name,
        "conversations": len(data.conversations),
        "volume": data.volume,
        "labels": labels,
    }
    if data.lacking:
        event["lacking"] = list(data.lacking)
    if data.label is not None:
        event["mislabelled"] = int((data.label != corpus.label[data.supervised]).sum())
    return event
