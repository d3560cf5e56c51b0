"""A comparison as data; the first run is what the others are compared with."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fedaffect.record.summary import SCORES
from fedaffect.report.formatting import evaluation_in_words
from fedaffect.report.setting_changes import differing
from fedaffect.studies.compare.cautions import same_corpus, warnings
from fedaffect.studies.compare.per_client import MODES, ByClient, by_client
from fedaffect.studies.compare.runs import ComparedRun, compared_runs
from fedaffect.studies.paired import Difference, paired

FACTS = (
    *("algorithm", "exchange", "model", "corpus", "partition", "clients", "evaluation"),
    *("selection", "rounds", "parameters", "bytes_up", "bytes_down", "stability_sd_last_5"),
    *("stability_largest_drop", "stability_rounds_to_within_1_point"),
)


@dataclass(frozen=True)
class Scored:
    """One run in one evaluation; means over seeds.

    Attributes:
        test: the scores of `SCORES`, their `NAME_sd` over seeds, and the calibration error.
        interval: of one seed's weighted F1, over conversations.
        difference: to the base, in weighted F1 on test.
        verdict: better, worse, no difference shown; or why none can be given.
        class_differences: F1 less the base's, by class.
    """

    run: str
    test: dict[str, float | None]
    dev_weighted_f1: float | None
    interval: tuple[float, float] | None
    difference: Difference | None
    verdict: str
    class_f1: dict[str, float]
    class_differences: dict[str, float]


@dataclass(frozen=True)
class Mode:
    """One evaluation: figures may be compared within it, never across.

    Attributes:
        scored: the runs that were evaluated so; the first of them is the base.
        clients: the clients of each of the others beside the base's, where each client has a score.
    """

    name: str
    meaning: str
    scored: tuple[Scored, ...]
    clients: tuple[ByClient, ...]


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Attributes:
        facts: by run, those of `FACTS`, seeds, passes over the data and seconds.
        settings: those that differ, with the value of each run.
        commands: what each (of its first seed) was run with.
    """

    runs: tuple[str, ...]
    warnings: tuple[str, ...]
    synthetic: bool
    facts: dict[str, dict[str, Any]]
    settings: dict[str, list[Any]]
    modes: tuple[Mode, ...]
    commands: tuple[str, ...]


def compare(folders: Sequence[Path]) -> tuple[Comparison, list[ComparedRun]]:
    """Two or more finished runs, and what was read of them.

    Raises:
        UserError: as `compared_runs`.
    """
    runs = compared_runs(folders)
    comparison = Comparison(
        runs=tuple(run.name for run in runs),
        warnings=tuple(warnings(runs)),
        synthetic=any(run.history.corpus["synthetic"] for run in runs),
        facts={run.name: _facts(run) for run in runs},
        settings=differing([run.history.experiment for run in runs]),
        modes=tuple(_mode(name, evaluated) for name, evaluated in by_mode(runs).items()),
        commands=tuple(str(run.history.start["command"]) for run in runs),
    )
    return comparison, runs


def as_json(comparison: Comparison) -> str:
    """All of it; whether a client was ever selected stands there as `heard`, as it always has."""

    def named(fields: list[tuple[str, Any]]) -> dict[str, Any]:
        return {"heard" if name == "selection" else name: value for name, value in fields}

    return json.dumps(asdict(comparison, dict_factory=named), indent=2)


def by_mode(runs: Sequence[ComparedRun]) -> dict[str, list[ComparedRun]]:
    """Which runs were evaluated in which mode, modes by first appearance."""
    names = dict.fromkeys(mode for run in runs for mode in run.modes)
    return {name: [run for run in runs if name in run.modes] for name in names}


def _facts(run: ComparedRun) -> dict[str, Any]:
    return {
        **{name: run.summary.get(name) for name in FACTS},
        "seeds": sorted(run.histories),
        "passes": run.passes,
        "seconds": run.summary.get("timing", {}).get("seconds"),
    }


def _mode(name: str, runs: Sequence[ComparedRun]) -> Mode:
    scored = tuple(_scored(name, run, runs[0]) for run in runs)
    others = runs[1:] if name in MODES else ()
    clients = tuple(by_client(name, run, runs[0]) for run in others)
    return Mode(name, evaluation_in_words(name), scored, clients)


def _scored(mode: str, run: ComparedRun, base: ComparedRun) -> Scored:
    def figure(name: str) -> float | None:
        return run.summary.get(run.key(mode, name))

    test = {name: figure(f"test_{name}") for name in (*SCORES, "calibration_error")}
    test |= {f"{name}_sd": figure(f"test_{name}_sd") for name in SCORES}
    low, high = figure("test_interval_low"), figure("test_interval_high")
    one = len(run.histories) == 1
    comparable, own = same_corpus(run, base), run.class_f1(mode)
    difference = (
        paired(run.outcomes(mode), base.outcomes(mode)) if comparable and run is not base else None
    )
    return Scored(
        run=run.name,
        test=test,
        dev_weighted_f1=figure("dev_weighted_f1"),
        interval=(low, high) if one and low is not None and high is not None else None,
        difference=difference,
        verdict=_verdict(run is base, comparable, difference),
        class_f1=own,
        class_differences={
            name: own[name] - score
            for name, score in base.class_f1(mode).items()
            if comparable and run is not base and name in own
        },
    )


def _verdict(is_base: bool, comparable: bool, difference: Difference | None) -> str:
    if is_base:
        return "base"
    if not comparable:
        return "not comparable: another corpus"
    return difference.verdict if difference else "no seed in common"
