"""A run from its experiment to its finished folder."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from fedaffect import __version__
from fedaffect.corpus import store
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.experiment import SYNTHETIC, Experiment
from fedaffect.federation.events import Listener, read

EXPERIMENT = "experiment.toml"
SUMMARY = "summary.json"


def open_corpus(data: str) -> ConversationCorpus:
    """The corpus that an experiment names: a folder, or the embedded one."""
    if data == SYNTHETIC:
        from fedaffect.corpus.synthetic import synthesise

        return synthesise()
    return store.load(Path(data))


def resolved(experiment: Experiment) -> Experiment:
    """The experiment with the defaults of its model and its algorithm written out.

    Raises:
        UserError: no such model or algorithm, or settings that they do not have.
    """
    from fedaffect.federation.algorithms import find
    from fedaffect.models import settings_of

    algorithm = find(experiment.algorithm).settings.model_dump()
    model = settings_of(experiment.model.name, experiment.model.settings).model_dump()
    sections = experiment.model_dump() | {
        "algorithm": {"name": experiment.algorithm.name, **algorithm},
        "model": {"name": experiment.model.name, **model},
    }
    return Experiment.from_table(sections, experiment.name)


def prepare(folder: Path, experiment: Experiment, resume: bool) -> None:
    """Make sure that `folder` may hold this run.

    Raises:
        UserError: it holds another run, or one that is to be resumed or kept.
    """
    written = folder / EXPERIMENT
    if not written.exists():
        if folder.is_dir() and any(folder.iterdir()):
            raise UserError(f"{folder}: not empty and no run; choose another --out")
        folder.mkdir(parents=True, exist_ok=True)
        aside = written.with_suffix(".partial")
        aside.write_text(experiment.to_toml(), encoding="utf-8")
        aside.replace(written)
    elif not resume:
        raise UserError(f"{folder}: holds a run already; add --resume, or choose another --out")
    elif Experiment.load(written) != experiment:
        raise UserError(
            f"{written}: differs from the experiment that was asked for; resume it as it was "
            "begun (without --set), or choose another --out"
        )


def execute(
    experiment: Experiment,
    folder: Path,
    command: str,
    listeners: Sequence[Listener] = (),
    resume: bool = False,
) -> dict[str, Any]:
    """Run (or resume, or simply read, if it has finished) an experiment in `folder`.

    Returns:
        the flat summary, as in `summary.json`.

    Raises:
        UserError: whatever the user can mend.
    """
    experiment = resolved(experiment)
    prepare(folder, experiment, resume)
    if (folder / SUMMARY).exists():
        summary: dict[str, Any] = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        return summary
    # Torch, and all that needs it, is loaded only when something is to be trained.
    from fedaffect.federation.simulation import Simulation
    from fedaffect.learning import saved
    from fedaffect.learning.trainer import ConversationTrainer
    from fedaffect.record.card import model_card
    from fedaffect.record.metrics_file import write_metrics
    from fedaffect.record.report import write_report
    from fedaffect.record.summary import summarise, write_summary

    corpus = open_corpus(experiment.data)
    _write_environment(folder / "environment.json", corpus)
    learner = ConversationTrainer(corpus, experiment)
    simulation = Simulation(experiment, corpus, learner, folder, tuple(listeners))
    outcome = simulation.run(command)
    models = simulation.models(outcome)
    card = model_card(summarise(read(folder / "events.jsonl")))
    saved.save(folder / "model", experiment, corpus, models, card)
    write_metrics(folder)
    write_report(folder)
    return write_summary(folder)  # last: a folder with a summary is a finished run


def _write_environment(path: Path, corpus: ConversationCorpus) -> None:
    packages = ("numpy", "torch", "safetensors", "pydantic", "scikit-learn")
    table = {
        "fedaffect": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "packages": {name: _version(name) for name in packages},
        "corpus_sha256": corpus.provenance.sha256,
        "arguments": sys.argv[1:],
    }
    path.write_text(json.dumps(table, indent=2), encoding="utf-8")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
