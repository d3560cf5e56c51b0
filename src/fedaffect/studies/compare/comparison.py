"""Everything that a comparison tells, as data; the first run is what the others are compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedaffect.record.summary import SCORES
from fedaffect.report.formatting import EVALUATIONS
from fedaffect.report.setting_changes import differing
from fedaffect.studies.compare.cautions import same_corpus, warnings
from fedaffect.studies.compare.per_client import MODES, ByClient, by_client
from fedaffect.studies.compare.runs import Side, sides
from fedaffect.studies.paired import Difference, paired

FACTS = (
    "algorithm",
    "exchange",
    "model",
    "corpus",
    "partition",
    "clients",
    "evaluation",
    "selection",
    "rounds",
    "parameters",
    "bytes_up",
    "bytes_down",
    "stability_sd_last_5",
    "stability_largest_drop",
    "stability_rounds_to_within_1_point",
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
        scored: the runs that were judged so; the first of them is the base.
        clients: the clients of each of the others beside the base's, where clients are judged one by one.
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


def compare(folders: Sequence[Path]) -> tuple[Comparison, list[Side]]:
    """Two or more finished runs, and what was read of them.

    Raises:
        UserError: as `sides`.
    """
    found = sides(folders)
    told = Comparison(
        runs=tuple(side.name for side in found),
        warnings=tuple(warnings(found)),
        synthetic=any(side.history.corpus["synthetic"] for side in found),
        facts={side.name: _facts(side) for side in found},
        settings=differing([side.history.experiment for side in found]),
        modes=tuple(_mode(name, judged) for name, judged in by_mode(found).items()),
        commands=tuple(str(side.history.start["command"]) for side in found),
    )
    return told, found


def by_mode(sides: Sequence[Side]) -> dict[str, list[Side]]:
    """Which runs were judged in which way, ways by first appearance."""
    names = dict.fromkeys(mode for side in sides for mode in side.modes)
    return {name: [side for side in sides if name in side.modes] for name in names}


def _facts(side: Side) -> dict[str, Any]:
    return {
        **{name: side.summary.get(name) for name in FACTS},
        "seeds": sorted(side.histories),
        "passes": side.passes,
        "seconds": side.summary.get("timing", {}).get("seconds"),
    }


def _mode(name: str, judged: Sequence[Side]) -> Mode:
    scored = tuple(_scored(name, side, judged[0]) for side in judged)
    others = judged[1:] if name in MODES else ()
    clients = tuple(by_client(name, side, judged[0]) for side in others)
    return Mode(name, EVALUATIONS.get(name, name), scored, clients)


def _scored(mode: str, side: Side, base: Side) -> Scored:
    def figure(name: str) -> float | None:
        return side.summary.get(side.key(mode, name))

    test = {name: figure(f"test_{name}") for name in (*SCORES, "calibration_error")}
    test |= {f"{name}_sd": figure(f"test_{name}_sd") for name in SCORES}
    low, high = figure("test_interval_low"), figure("test_interval_high")
    one = len(side.histories) == 1
    like, own = same_corpus(side, base), side.class_f1(mode)
    difference = (
        paired(side.outcomes(mode), base.outcomes(mode)) if like and side is not base else None
    )
    return Scored(
        run=side.name,
        test=test,
        dev_weighted_f1=figure("dev_weighted_f1"),
        interval=(low, high) if one and low is not None and high is not None else None,
        difference=difference,
        verdict=_verdict(side is base, like, difference),
        class_f1=own,
        class_differences={
            name: own[name] - score
            for name, score in base.class_f1(mode).items()
            if like and side is not base and name in own
        },
    )


def _verdict(is_base: bool, like: bool, difference: Difference | None) -> str:
    if is_base:
        return "base"
    if not like:
        return "not comparable: another corpus"
    return difference.verdict if difference else "no seed in common"
