"""What the runs of one row on one corpus add up to, as far as they have finished."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from fedaffect.record.files import SUMMARY
from fedaffect.record.history import Curve
from fedaffect.record.summary import Summary, merged
from fedaffect.runs.cache import CACHE
from fedaffect.runs.failures import reason_of
from fedaffect.studies.paired import Difference, Interval, Outcome, mean_interval
from fedaffect.studies.study import cost
from fedaffect.studies.study.cost import Cost
from fedaffect.studies.study.entries import Entry, Study
from fedaffect.studies.study.finished import FinishedRun
from fedaffect.studies.study.selection import Trial, choose, trials

BEST_TEST = "best_test_weighted_f1"
PERSONAL = "personal_weighted_f1"
ROUNDS, BYTES = "rounds_to_target", "bytes_to_target"
STABILITY = "stability_sd_last_5"
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
    STABILITY: STABILITY,
}
"""What each figure is called in `summary.json`."""


@dataclass(frozen=True, eq=False)
class Row:
    """A row of the table; all but `tried` is of the candidate that was chosen.

    Attributes:
        tried: all candidates, with their scores on dev.
        chosen: the candidate that is run with all seeds; None until there is one.
        evaluation: the primary one, to which all figures belong; None before a run has finished.
        corpus: the name of what was tested on; None before a run has finished.
        scores: test weighted F1 by seed; None for a seed that has not finished.
        outcomes: of the finished seeds, what `scores` were counted from.
        figures: mean over the finished seeds, and `NAME_sd`, of each of `FIGURES` and of the study's columns;
            mean `seconds`.
        recall, f1: by class, the mean over seeds.
        dev_curves: by seed, dev weighted F1 by round.
        confused: shares by pair of classes (`FinishedRun.shares_confused`), the mean over seeds.
        cost: of predicting; None where it has not been measured.
        runs: the folder of its seeds, below that of all studies.
        failed: why, by seed.
        difference: in weighted F1 to the row that it is compared with, over the seeds that both have.
        verdict: in words, what the difference shows, or why there is none.
    """

    row: str
    tried: tuple[Trial, ...] = ()
    chosen: str | None = None
    evaluation: str | None = None
    corpus: str | None = None
    scores: Mapping[int, float | None] = field(default_factory=dict)
    outcomes: Mapping[int, Outcome] = field(default_factory=dict)
    figures: Mapping[str, float | None] = field(default_factory=dict)
    recall: Mapping[str, float] = field(default_factory=dict)
    f1: Mapping[str, float] = field(default_factory=dict)
    dev_curves: Mapping[int, Curve] = field(default_factory=dict)
    confused: Mapping[str, float] = field(default_factory=dict)
    cost: Cost | None = None
    runs: str | None = None
    failed: Mapping[int, str] = field(default_factory=dict)
    difference: Difference | None = None
    verdict: str = ""

    @property
    def settings(self) -> tuple[str, ...]:
        """What it changes, as the chosen candidate; before there is one, as the first."""
        settings = {trial.candidate: trial.settings for trial in self.tried}
        return settings.get(self.chosen or "", self.tried[0].settings)

    @cached_property
    def interval(self) -> Interval | None:
        """Of the mean weighted F1."""
        return mean_interval(self.outcomes) if self.outcomes else None


def read_row(study: Study, entry: Entry, with_cost: bool = True) -> Row:
    """The row of an entry, before it is compared with others.

    Args:
        with_cost: add what predicting costs, where it has been measured.

    Raises:
        UserError: as `FinishedRun.read`.
    """
    tried = tuple(trials(entry))
    chosen = choose(tried)
    variant = None if chosen is None else entry.candidates[chosen]
    found, failed, seeds = dict[int, FinishedRun](), dict[int, str](), list[int]()
    for job in variant.jobs(entry.seeds) if variant else ():
        seeds.append(job.experiment.seed)
        if (job.folder / SUMMARY).is_file():
            found[job.experiment.seed] = FinishedRun.read(job.folder)
        elif reason := reason_of(job.folder):
            failed[job.experiment.seed] = reason
    runs = list(found.values())
    first = runs[0].summary if runs else {}
    outcomes = {seed: run.outcome for seed, run in found.items()}
    return Row(
        row=entry.row,
        tried=tried,
        chosen=chosen,
        evaluation=first.get("evaluation"),
        corpus=first.get("corpus"),
        scores={seed: outcomes[seed].score if seed in outcomes else None for seed in seeds},
        outcomes=outcomes,
        figures=_figures([run.summary for run in runs], study.columns),
        recall=_means(dict(zip(run.classes, run.recall, strict=True)) for run in runs),
        f1=_means(dict(zip(run.classes, run.f1, strict=True)) for run in runs),
        dev_curves={seed: run.dev_curve for seed, run in found.items()},
        confused=_means(run.shares_confused(study.pairs) for run in runs),
        cost=cost.read(variant) if variant and with_cost else None,
        runs=f"{CACHE}/{variant.folder.name}" if variant else None,
        failed=failed,
    )


def _figures(summaries: Sequence[Summary], columns: Sequence[str]) -> dict[str, float | None]:
    means = merged(summaries) if summaries else {}
    figures = {
        f"{name}{of}": means.get(f"{key}{of}")
        for name, key in FIGURES.items()
        for of in ("", "_sd")
    }
    if any(s.get("clients") == 1 for s in summaries):  # `personal` would be the whole test set
        figures |= {PERSONAL: None, f"{PERSONAL}_sd": None}
    for name in columns:
        values = [float(s[name]) for s in summaries if isinstance(s.get(name), int | float)]
        figures[name] = statistics.fmean(values) if values else None
        figures[f"{name}_sd"] = statistics.stdev(values) if len(values) > 1 else None
    seconds = [float(summary["timing"]["seconds"]) for summary in summaries]
    return {**figures, "seconds": statistics.fmean(seconds) if seconds else None}


def _means(tables: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each figure over tables with the same figures."""
    found = list(tables)
    return {
        name: statistics.fmean(float(t[name]) for t in found)
        for name in (found[0] if found else ())
    }
