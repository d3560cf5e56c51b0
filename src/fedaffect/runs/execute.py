"""A run from its experiment to its finished folder."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedaffect.corpus import store
from fedaffect.corpus.perturbations import corrupt_pictures, hide_from_utterances
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.experiment import SYNTHETIC, Experiment
from fedaffect.federation.events import Listener
from fedaffect.record.files import ENVIRONMENT, REPORT, SUMMARY, write_text
from fedaffect.version import __version__

if TYPE_CHECKING:
    from fedaffect.learning.torch.precision import Precision

EXPERIMENT = "experiment.toml"


def open_corpus(data: str) -> ConversationCorpus:
    """The corpus that an experiment names: a folder, or the embedded one."""
    if data == SYNTHETIC:
        from fedaffect.corpus.synthetic import synthesise

        return synthesise()
    return store.load(Path(data))


def corpus_of(experiment: Experiment) -> ConversationCorpus:
    """What an experiment learns from: its corpus, with the modalities that take part and are not missing.

    Raises:
        UserError: as `store.load`; or a modality that the corpus lacks.
    """
    corpus = open_corpus(experiment.data)
    chosen = experiment.features.modalities
    taking_part = corpus.with_modalities(chosen) if chosen else corpus
    conditions, seed = experiment.conditions, experiment.seed
    return hide_from_utterances(corrupt_pictures(taking_part, conditions, seed), conditions, seed)


def resolved(experiment: Experiment) -> Experiment:
    """The experiment with the defaults of its model and its algorithm written out.

    Raises:
        UserError: no such model or algorithm, or settings that they do not have.
    """
    from fedaffect.federation.algorithms import find
    from fedaffect.learning.build import settings_of

    algorithm = find(experiment.algorithm).settings.model_dump(mode="json")
    model = settings_of(experiment).model_dump(mode="json")
    start = experiment.start
    if start.run:
        from fedaffect.learning.initial_model import resolved as start_of

        start = start_of(start)
    sections = experiment.model_dump() | {
        "start": start.model_dump(),
        "algorithm": {"name": experiment.algorithm.name, **algorithm},
        "model": {"name": experiment.model.name, **model},
    }
    return Experiment.from_table(sections, experiment.name)


def ensure_free(folder: Path, experiment: Experiment, resume: bool) -> None:
    """Nothing, where `folder` may hold the run of a resolved experiment. Nothing is written.

    Raises:
        UserError: it holds something else, another run, or this run and `resume` is False.
    """
    written = folder / EXPERIMENT
    if not written.exists():
        if _names(folder):
            raise UserError(f"{folder}: not empty and no run; choose another --out")
        return
    if not resume:
        raise UserError(f"{folder}: holds a run already; add --resume, or choose another --out")
    difference = _difference(Experiment.load(written).model_dump(), experiment.model_dump())
    if difference:
        raise UserError(
            f"{written}: {difference}; resume it as it was begun "
            f"(`fedaffect run {written} --out {folder} --resume`), or choose another --out"
        )


def ensure_free_for_seeds(folder: Path, experiments: Sequence[Experiment], resume: bool) -> None:
    """The same for runs of one experiment over several seeds, each in a folder of its own below.

    Raises:
        UserError: as `ensure_free`.
    """
    if (folder / EXPERIMENT).exists():
        raise UserError(f"{folder}: holds a run of one seed; choose another --out")
    others = sorted(n for n in _names(folder) - {SUMMARY, REPORT} if not n.startswith("seed-"))
    if others:
        raise UserError(f"{folder}: holds something else ({others[0]}); choose another --out")
    for experiment in experiments:
        ensure_free(seed_folder(folder, experiment.seed), resolved(experiment), resume)


def seed_folder(folder: Path, seed: int) -> Path:
    """Where the run of one of several seeds lies."""
    return folder / f"seed-{seed}"


def execute(
    experiment: Experiment,
    folder: Path,
    command: str,
    listeners: Sequence[Listener] = (),
    resume: bool = False,
) -> dict[str, Any]:
    """Run (or resume, or simply read, if it has finished) an experiment in `folder`.

    Nothing is written before all that the user gave has been found usable.

    Returns:
        the flat summary, as in `summary.json`.

    Raises:
        UserError: whatever the user can mend.
    """
    experiment = resolved(experiment)
    ensure_free(folder, experiment, resume)
    from fedaffect.record.history import History
    from fedaffect.record.summary import read_summary, summarise, write_summary

    if (folder / SUMMARY).exists():
        return read_summary(folder)
    # What trains and draws is loaded only when there is something to train.
    from fedaffect.federation.simulation import Simulation
    from fedaffect.learning import saved
    from fedaffect.learning.build import build_learner
    from fedaffect.record.card import model_card
    from fedaffect.record.metrics_file import write_metrics
    from fedaffect.report.report import write_report

    corpus = corpus_of(experiment)
    learner = build_learner(corpus, experiment)
    simulation = Simulation(experiment, corpus, learner, folder, tuple(listeners))
    _begin(folder, experiment, corpus, getattr(learner, "precision", None))
    outcome = simulation.run(command)
    models = simulation.models(outcome)
    card = model_card(summarise(History.read(folder)))
    saved.save(folder / "model", experiment, corpus, models, card)
    write_metrics(folder)
    write_report(folder)
    return write_summary(folder)  # last: a folder with a summary is a finished run


def _names(folder: Path) -> set[str]:
    """What lies in a folder, but for what an interrupted write left aside."""
    if not folder.is_dir():
        return set()
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def _begin(
    folder: Path,
    experiment: Experiment,
    corpus: ConversationCorpus,
    precision: "Precision | None",
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / EXPERIMENT).exists():
        write_text(folder / EXPERIMENT, experiment.to_toml())
    write_text(folder / ENVIRONMENT, json.dumps(_environment(corpus, precision), indent=2))


def _difference(begun: dict[str, Any], wanted: dict[str, Any], path: str = "") -> str:
    """The first setting in which two experiments differ, in words; empty where none does."""
    # Another algorithm has other settings: its name comes before them.
    for name in sorted(begun.keys() | wanted.keys(), key=lambda n: (not path or n != "name", n)):
        here, there = begun.get(name), wanted.get(name)
        if isinstance(here, dict) and isinstance(there, dict):
            found = _difference(here, there, f"{path}{name}.")
        else:
            found = "" if here == there else f"{path}{name} is {here!r}, not {there!r}"
        if found:
            return found
    return ""


def _environment(corpus: ConversationCorpus, precision: "Precision | None") -> dict[str, Any]:
    packages = ("numpy", "torch", "onnxruntime", "safetensors", "pydantic", "scikit-learn")
    return {
        "fedaffect": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "packages": {name: _version(name) for name in packages},
        "precision": asdict(precision) if precision else None,  # only torch has a choice
        "corpus_sha256": corpus.provenance.sha256,
        "arguments": sys.argv[1:],
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
