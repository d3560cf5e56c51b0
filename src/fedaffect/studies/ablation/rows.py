"""What the variants of an ablation are worth, a row each, as far as their runs have finished."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fedaffect.experiment import SYNTHETIC
from fedaffect.record.files import SUMMARY
from fedaffect.record.summary import Summary, read_summary
from fedaffect.report.formatting import EVALUATIONS, count
from fedaffect.runs.cache import CACHE, Variant
from fedaffect.runs.failures import reason_of
from fedaffect.studies.ablation.plan import Ablation
from fedaffect.studies.paired import MEANING, Difference, Outcome, outcome_of, paired

MEASURES = {
    "weighted_f1": "test_weighted_f1",
    "macro_f1": "test_macro_f1",
    "uar": "test_uar",
    "personal_weighted_f1": "personal_test_weighted_f1",
    "stability_sd_last_5": "stability_sd_last_5",
}
PERSONAL = "personal_weighted_f1"
Runs = Mapping[int, tuple[Summary, Outcome]]
"""The finished runs of a variant, by seed."""


@dataclass(frozen=True)
class Row:
    """One variant.

    Attributes:
        evaluation: the primary one, to which all but the personal figure belong.
        scores: test weighted F1 by seed; None for a seed that has not finished.
        measures: mean over the finished seeds, and `NAME_sd`, of each of `MEASURES` and of the columns that
            the ablation asks for; mean `seconds`.
        difference: to the base, the first row of that evaluation, over the seeds that both have.
        verdict: better, worse or no difference shown; or why none can be given; and how many runs failed.
        runs: the folder of its seeds, below that of all ablations.
        failed: why, by seed.
    """

    row: str
    settings: tuple[str, ...]
    evaluation: str | None
    scores: Mapping[int, float | None]
    measures: Mapping[str, float | None]
    difference: Difference | None
    verdict: str
    runs: str
    failed: Mapping[int, str] = field(default_factory=dict)

    @property
    def finished(self) -> int:
        return sum(score is not None for score in self.scores.values())


def tabulate(ablation: Ablation) -> list[Row]:
    """A row a variant, in the order of the file; what has not finished is there, as missing."""
    found = [_finished(ablation, variant) for variant in ablation.variants]
    bases: dict[str | None, int] = {}
    rows = []
    for place, (variant, runs) in enumerate(zip(ablation.variants, found, strict=True)):
        base = 0
        if runs and found[0]:  # scores of two evaluations are never compared: each has a base
            base = bases.setdefault(_only(runs, "evaluation"), place)
        rows.append(_row(ablation, variant, runs, found[base], is_base=base == place))
    return rows


def notes(ablation: Ablation, rows: Sequence[Row]) -> list[str]:
    """What must be known to read the table."""
    tried = count(len(rows) - 1, "variant")
    said = [
        f"{tried} tried against the base ({rows[0].row}), {count(ablation.seeds, 'seed')} each; ± is the "
        "sample sd over seeds. Of twenty variants that change nothing, one is expected to look otherwise.",
        "Difference: weighted F1 less the base's, paired by seed, with a 95 % interval. The base is the "
        "first row that was judged by the same evaluation.",
        *(MEANING[over] for over in MEANING if over in {_over(row) for row in rows}),
        "Time: a run's mean, on the machine that ran it, perhaps with others beside it.",
    ]
    modes = sorted({row.evaluation for row in rows if row.evaluation})
    said += [f"Evaluation `{mode}`: {EVALUATIONS.get(mode, mode)}." for mode in modes]
    untold = [c for c in ablation.columns if all(row.measures[c] is None for row in rows)]
    said += [f"No run tells `{column}`; see a summary.json for what there is." for column in untold]
    if ablation.curve:
        said.append(
            "The curve: a line through means, a band of ± the sample sd over seeds, a dot a seed."
        )
    missing = [
        f"{row.row} ({row.finished} of {len(row.scores)})"
        for row in rows
        if row.finished + len(row.failed) < len(row.scores)
    ]
    said += [f"Not finished: {', '.join(missing)}."] if missing else []
    said += [
        f"Failed: {row.row} seed {seed}: {reason}"
        for row in rows
        for seed, reason in row.failed.items()
    ]
    if any(variant.experiment.data == SYNTHETIC for variant in ablation.variants):
        said.append("Synthetic corpus: the figures say nothing about people.")
    return said


def _finished(ablation: Ablation, variant: Variant) -> Runs:
    found = {}
    for job in ablation.jobs(variant):
        if (job.folder / SUMMARY).is_file():
            summary = read_summary(job.folder)
            score = float(summary["test_weighted_f1"])
            found[job.experiment.seed] = summary, outcome_of(job.folder, score)
    return found


def _row(ablation: Ablation, variant: Variant, found: Runs, base: Runs, *, is_base: bool) -> Row:
    jobs, outcomes = ablation.jobs(variant), _outcomes(found)
    failed = {
        job.experiment.seed: reason
        for job in jobs
        if job.experiment.seed not in found and (reason := reason_of(job.folder))
    }
    reason = "base" if is_base else _incomparable(found, base)
    difference = None if reason else paired(outcomes, _outcomes(base))
    verdict = difference.verdict if difference else reason if found else "missing"
    if failed:
        verdict = f"{verdict}, {len(failed)} failed" if found else "failed"
    seeds = [job.experiment.seed for job in jobs]
    return Row(
        row=variant.name,
        settings=ablation.own_settings(variant),
        evaluation=_only(found, "evaluation"),
        scores={seed: outcomes[seed].score if seed in outcomes else None for seed in seeds},
        measures=_measures((summary for summary, _ in found.values()), ablation.columns),
        difference=difference,
        verdict=verdict,
        runs=f"{CACHE}/{variant.folder.name}",
        failed=failed,
    )


def _outcomes(found: Runs) -> dict[int, Outcome]:
    return {seed: outcome for seed, (_, outcome) in found.items()}


def _over(row: Row) -> str:
    return row.difference.over if row.difference else ""


def _incomparable(found: Runs, base: Runs) -> str:
    """Why a variant has no difference to the base; empty where it has one."""
    if not found.keys() & base.keys():
        return "no seed in common with the base"
    same = _only(found, "corpus") == _only(base, "corpus")
    return "" if same else "not comparable: another corpus"


def _only(found: Runs, key: str) -> str | None:
    """What all runs of one variant have in common."""
    return next((str(summary[key]) for summary, _ in found.values()), None)


def _measures(summaries: Iterable[Summary], columns: Sequence[str]) -> dict[str, float | None]:
    table: dict[str, float | None] = {}
    summaries = list(summaries)
    for name, key in {**MEASURES, **{column: column for column in columns}}.items():
        # A single client holds every class: `personal` would be the whole test set again.
        asked = [s for s in summaries if not (name == PERSONAL and s["clients"] == 1)]
        values = [float(s[key]) for s in asked if isinstance(s.get(key), int | float)]
        table[name] = statistics.fmean(values) if values else None
        table[f"{name}_sd"] = statistics.stdev(values) if len(values) > 1 else None
    seconds = [float(s["timing"]["seconds"]) for s in summaries]
    table["seconds"] = statistics.fmean(seconds) if seconds else None
    return table
