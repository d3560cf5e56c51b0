"""What the variants of an ablation are worth, a row each, as far as their runs have finished."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fedaffect.experiment import SYNTHETIC
from fedaffect.record.ablation.plan import CACHE, Ablation, Variant
from fedaffect.record.files import SUMMARY
from fedaffect.record.paired import Difference, paired
from fedaffect.record.summary import Summary, read_summary
from fedaffect.record.wording import EVALUATIONS, count

MEASURES = {
    "weighted_f1": "test_weighted_f1",
    "macro_f1": "test_macro_f1",
    "uar": "test_uar",
    "personal_weighted_f1": "personal_test_weighted_f1",
    "stability_sd_last_5": "stability_sd_last_5",
}
PERSONAL = "personal_weighted_f1"


@dataclass(frozen=True)
class Row:
    """One variant.

    Attributes:
        evaluation: the primary one, to which all but the personal figure belong.
        scores: test weighted F1 by seed; None for a seed that has not finished.
        measures: mean over the finished seeds, and `NAME_sd`, of each of `MEASURES`; mean `seconds`.
        difference: to the base in weighted F1, over the seeds that both have.
        verdict: better, worse or no difference shown; or why none can be given.
        runs: the folder of its seeds, below that of all ablations.
    """

    row: str
    settings: tuple[str, ...]
    evaluation: str | None
    scores: Mapping[int, float | None]
    measures: Mapping[str, float | None]
    difference: Difference | None
    verdict: str
    runs: str

    @property
    def finished(self) -> int:
        return sum(score is not None for score in self.scores.values())


def tabulate(ablation: Ablation) -> list[Row]:
    """A row a variant, in the order of the file; what has not finished is there, as missing."""
    found = [_finished(ablation, variant) for variant in ablation.variants]
    return [
        _row(ablation, variant, summaries, found[0])
        for variant, summaries in zip(ablation.variants, found, strict=True)
    ]


def notes(ablation: Ablation, rows: Sequence[Row]) -> list[str]:
    """What must be known to read the table."""
    tried = count(len(rows) - 1, "variant")
    said = [
        f"{tried} tried against the base ({rows[0].row}), {count(ablation.seeds, 'seed')} each; ± is the "
        "sample sd over seeds. Of twenty variants that change nothing, one is expected to look otherwise.",
        "Difference: weighted F1 less the base's, paired by seed, with Student's 95 % interval over seeds. "
        "It tells how training varies, not how the test conversations were drawn.",
        "Time: a run's mean, on the machine that ran it, perhaps with others beside it.",
    ]
    modes = sorted({row.evaluation for row in rows if row.evaluation})
    said += [f"Evaluation `{mode}`: {EVALUATIONS.get(mode, mode)}." for mode in modes]
    missing = [
        f"{row.row} ({row.finished} of {len(row.scores)})"
        for row in rows
        if row.finished < len(row.scores)
    ]
    said += [f"Not finished: {', '.join(missing)}."] if missing else []
    if any(variant.experiment.data == SYNTHETIC for variant in ablation.variants):
        said.append("Synthetic corpus: the figures say nothing about people.")
    return said


def _finished(ablation: Ablation, variant: Variant) -> dict[int, Summary]:
    """The summaries of a variant's finished runs, by seed."""
    return {
        job.experiment.seed: read_summary(job.folder)
        for job in ablation.jobs(variant)
        if (job.folder / SUMMARY).is_file()
    }


def _row(
    ablation: Ablation, variant: Variant, found: Mapping[int, Summary], base: Mapping[int, Summary]
) -> Row:
    scores = _scores(found)
    reason = _incomparable(found, base) if variant != ablation.variants[0] else "base"
    difference = None if reason else paired(scores, _scores(base))
    return Row(
        row=variant.name,
        settings=variant.settings,
        evaluation=_only(found, "evaluation"),
        scores={s: scores.get(s) for s in (j.experiment.seed for j in ablation.jobs(variant))},
        measures=_measures(found.values()),
        difference=difference,
        verdict=difference.verdict if difference else reason if found else "missing",
        runs=f"{CACHE}/{variant.folder.name}",
    )


def _incomparable(found: Mapping[int, Summary], base: Mapping[int, Summary]) -> str:
    """Why a variant has no difference to the base; empty where it has one."""
    if not found.keys() & base.keys():
        return "no seed in common with the base"
    for key in ("evaluation", "corpus"):
        if _only(found, key) != _only(base, key):
            return f"not comparable: another {key}"
    return ""


def _only(found: Mapping[int, Summary], key: str) -> str | None:
    """What all runs of one variant have in common."""
    return next((str(summary[key]) for summary in found.values()), None)


def _scores(found: Mapping[int, Summary]) -> dict[int, float]:
    return {seed: float(summary["test_weighted_f1"]) for seed, summary in found.items()}


def _measures(summaries: Iterable[Summary]) -> dict[str, float | None]:
    table: dict[str, float | None] = {}
    summaries = list(summaries)
    for name, key in MEASURES.items():
        # A single client holds every class: `personal` would be the whole test set again.
        asked = [s for s in summaries if not (name == PERSONAL and s["clients"] == 1)]
        values = [float(s[key]) for s in asked if s.get(key) is not None]
        table[name] = statistics.fmean(values) if values else None
        table[f"{name}_sd"] = statistics.stdev(values) if len(values) > 1 else None
    seconds = [float(s["timing"]["seconds"]) for s in summaries]
    table["seconds"] = statistics.fmean(seconds) if seconds else None
    return table
