"""What the runs of one row on one corpus add up to, as far as they have finished."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fedaffect.record.files import SUMMARY
from fedaffect.record.history import Curve
from fedaffect.record.summary import merged
from fedaffect.runs.cache import CACHE
from fedaffect.runs.failures import reason_of
from fedaffect.studies.paired import Difference, Interval, Outcome, mean_interval
from fedaffect.studies.study import cost
from fedaffect.studies.study.cost import Cost
from fedaffect.studies.study.entries import Entry
from fedaffect.studies.study.finished import Finished
from fedaffect.studies.study.selection import Trial, choose, trials

BEST_TEST = "best_test_weighted_f1"
PERSONAL = "personal_weighted_f1"
ROUNDS, BYTES = "rounds_to_target", "bytes_to_target"
NOT_ALWAYS = (BEST_TEST, PERSONAL, ROUNDS, BYTES)
"""Figures that a table tells only where a run has them."""
FIGURES = {
    "weighted_f1": "test_weighted_f1",
    BEST_TEST: BEST_TEST,
    PERSONAL: "personal_test_weighted_f1",
    ROUNDS: ROUNDS,
    BYTES: BYTES,
    "macro_f1": "test_macro_f1",
    "accuracy": "test_accuracy",
    "uar": "test_uar",
    "calibration_error": "test_calibration_error",
    "dev_weighted_f1": "dev_weighted_f1",
    "parameters": "parameters",
}


@dataclass(frozen=True, eq=False)
class Row:
    """A row of the table; all but `tried` is of the candidate that was chosen.

    Attributes:
        tried: all candidates, with what dev says of them.
        chosen: the candidate that is run with all seeds; None until there is one.
        evaluation: the primary one, to which all figures belong; None before a run has finished.
        scores: test weighted F1 by seed; None for a seed that has not finished.
        outcomes: of the finished seeds, what `scores` were counted from.
        figures: mean over the finished seeds, and `NAME_sd`, of each of `FIGURES`; mean `seconds`.
        interval: of the mean weighted F1.
        recall, f1: by class, the mean over seeds.
        dev_curves: by seed, dev weighted F1 by round.
        confused: shares by pair of classes (`Finished.shares_confused`), the mean over seeds.
        cost: of predicting; None where it has not been measured.
        runs: the folder of its seeds, below that of all tables.
        failed: why, by seed.
        difference: in weighted F1 to the best row, over the seeds that both have.
        verdict: in words, what the difference shows, or why there is none.
    """

    row: str
    tried: tuple[Trial, ...]
    chosen: str | None
    evaluation: str | None
    scores: Mapping[int, float | None]
    outcomes: Mapping[int, Outcome]
    figures: Mapping[str, float | None]
    interval: Interval | None
    recall: Mapping[str, float]
    f1: Mapping[str, float]
    dev_curves: Mapping[int, Curve]
    confused: Mapping[str, float]
    cost: Cost | None
    runs: str | None
    failed: Mapping[int, str]
    difference: Difference | None = None
    verdict: str = ""


def read_row(entry: Entry, pairs: Sequence[tuple[str, str]], with_cost: bool) -> Row:
    """The row of an entry, before it is compared with others.

    Args:
        pairs: classes that are easily confused.
        with_cost: tell what predicting costs, where it has been measured.

    Raises:
        UserError: as `Finished.read`.
    """
    tried = tuple(trials(entry))
    chosen = choose(tried)
    variant = None if chosen is None else entry.candidates[chosen]
    found, failed, seeds = dict[int, Finished](), dict[int, str](), list[int]()
    for job in variant.jobs(entry.seeds) if variant else ():
        seeds.append(job.experiment.seed)
        if (job.folder / SUMMARY).is_file():
            found[job.experiment.seed] = Finished.read(job.folder)
        elif reason := reason_of(job.folder):
            failed[job.experiment.seed] = reason
    runs = list(found.values())
    outcomes = {seed: run.outcome for seed, run in found.items()}
    return Row(
        row=entry.row,
        tried=tried,
        chosen=chosen,
        evaluation=next((str(run.summary["evaluation"]) for run in runs), None),
        scores={seed: outcomes[seed].score if seed in outcomes else None for seed in seeds},
        outcomes=outcomes,
        figures=_figures(runs),
        interval=mean_interval(outcomes),
        recall=_means(dict(zip(run.classes, run.recall, strict=True)) for run in runs),
        f1=_means(dict(zip(run.classes, run.f1, strict=True)) for run in runs),
        dev_curves={seed: run.dev_curve for seed, run in found.items()},
        confused=_means(run.shares_confused(pairs) for run in runs),
        cost=cost.read(variant) if variant and with_cost else None,
        runs=f"{CACHE}/{variant.folder.name}" if variant else None,
        failed=failed,
    )


def _figures(runs: Sequence[Finished]) -> dict[str, float | None]:
    means = merged([run.summary for run in runs]) if runs else {}
    seconds = [float(run.summary["timing"]["seconds"]) for run in runs]
    figures = {
        f"{name}{of}": means.get(f"{key}{of}")
        for name, key in FIGURES.items()
        for of in ("", "_sd")
    }
    if any(
        run.summary.get("clients") == 1 for run in runs
    ):  # `personal` would be the whole test set again
        figures |= {PERSONAL: None, f"{PERSONAL}_sd": None}
    return {**figures, "seconds": statistics.fmean(seconds) if seconds else None}


def _means(tables: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each figure over tables with the same figures."""
    found = list(tables)
    return {
        name: statistics.fmean(float(t[name]) for t in found)
        for name in (found[0] if found else ())
    }
