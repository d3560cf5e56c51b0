"""What must be known to read the table of a study."""

from collections.abc import Iterator, Sequence

from fedaffect.experiment import SYNTHETIC
from fedaffect.record.files import SUMMARY
from fedaffect.record.summary import read_summary
from fedaffect.report.formatting import count, duration, evaluation_in_words
from fedaffect.studies.paired import CONVERSATIONS, JOINT, MEANING, SEEDS
from fedaffect.studies.study import Reference
from fedaffect.studies.study.entries import Entry, Study
from fedaffect.studies.study.rows import BEST_TEST, ROUNDS, Row
from fedaffect.studies.study.tables import classes_of

_OF_MEANS = {
    JOINT: "over conversations and seeds, both drawn with replacement; of few seeds, how much training "
    "varies is understated",
    CONVERSATIONS: "over conversations drawn with replacement (one seed)",
    SEEDS: "over seeds alone (Student's)",
}


def notes(study: Study, corpus: str, rows: Sequence[Row]) -> list[str]:
    """A sentence or two each; those that do not apply are left out."""
    entries, best = study.entries[corpus], study.reference is Reference.BEST
    beside = _beside_the_best(entries, rows) if best else _beside_the_first(study, entries, rows)
    return [
        *beside,
        *_asked(study, rows),
        *_evaluations(rows, best),
        *_time(entries, rows, "Training" if best else "Time"),
        *(_cost(rows) if best else ()),
        *_pairs_left_out(study, rows),
        *_not_finished(rows),
        *_failed(rows),
        *_synthetic(entries),
    ]


def _beside_the_first(study: Study, entries: Sequence[Entry], rows: Sequence[Row]) -> Iterator[str]:
    tried = count(len(rows) - 1, "variant")
    yield (
        f"{tried} tried against the base ({rows[0].row}), {count(entries[0].seeds, 'seed')} each; ± is the "
        "sample sd over seeds. Of twenty variants that change nothing, one is expected to look otherwise."
    )
    yield (
        "Difference: weighted F1 less the base's, paired by seed, with a 95 % interval. The base is the "
        "first row with the same evaluation."
    )
    if any(len(row.tried) > 1 for row in rows):
        yield _candidates(entries, rows)
    yield from _meanings(rows)


def _beside_the_best(entries: Sequence[Entry], rows: Sequence[Row]) -> Iterator[str]:
    yield _candidates(entries, rows)
    yield "±: the sample sd over seeds. ECE: expected calibration error."
    means = {row.interval.over for row in rows if row.interval}
    for over in (over for over in _OF_MEANS if over in means):
        of = [row.row for row in rows if row.interval and row.interval.over == over]
        whose = "" if len(means) == 1 else f" of {', '.join(of)}"
        yield f"95 % interval of the mean weighted F1{whose}: {_OF_MEANS[over]}."
    if any(row.difference for row in rows):
        yield (
            "To the best: weighted F1 less that of the row with the highest mean, over the seeds that both "
            "have: not always the difference of the two means that are shown. That row was picked by its "
            "test mean, which flatters its lead; of twenty rows that do not differ, one is expected to look "
            "otherwise."
        )
    yield from _meanings(rows)
    if any(row.evaluation == "global" for row in rows):
        yield (
            "Of every run of one global model, accuracy = Σ n_c recall_c / N and weighted F1 = "
            "Σ n_c F1_c / N were counted again from its confusion: they are the stored ones."
        )
    if any(row.figures[BEST_TEST] is not None for row in rows):
        yield (
            "BEST TEST LOOKS AT TEST: the best test score of any round, as much of the literature reports. "
            "It stands here to show what that convention is worth, and is no result: nothing is chosen by it."
        )
    if any(row.figures[ROUNDS] is not None for row in rows):
        yield (
            "Rounds and bytes to target: until dev first scored `rounds.target`, means over the seeds that "
            "did; bytes up and down. A dash where none did."
        )
    if any(len(rounds) > 1 for row in rows for rounds, _ in row.dev_curves.values()):
        yield "The curves by round: means in bands of ± the sample sd over seeds."


def _candidates(entries: Sequence[Entry], rows: Sequence[Row]) -> str:
    tried = sum(len(row.tried) for row in rows)
    words = f"{count(tried, 'candidate')} tried for {count(len(rows), 'row')}, all listed below."
    if tried == len(rows):
        return words
    corpora = {entry.tuned_on.corpus for entry in entries if entry.tuned_on}
    where = f" of `{corpora.pop()}`" if corpora else ""
    return (
        f"{words} Where a row has several, the one with the best mean weighted F1 on dev{where} over "
        f"{count(entries[0].tuning_seeds, 'seed')} was chosen and run with all; test was not looked at for "
        "it."
    )


def _meanings(rows: Sequence[Row]) -> list[str]:
    """How the intervals of differences are to be read."""
    occur = {row.difference.over for row in rows if row.difference}
    return [MEANING[over] for over in MEANING if over in occur]


def _asked(study: Study, rows: Sequence[Row]) -> Iterator[str]:
    for column in study.columns:
        if all(row.figures[column] is None for row in rows):
            yield f"No run has `{column}`; see a summary.json for what there is."
    if study.curve:
        yield "The curve: a line through means, a band of ± the sample sd over seeds, a dot a seed."


def _evaluations(rows: Sequence[Row], best: bool) -> Iterator[str]:
    modes = sorted({row.evaluation for row in rows if row.evaluation})
    for mode in modes:
        of = [row.row for row in rows if row.evaluation == mode]
        whose = "" if len(modes) == 1 else f" ({', '.join(of)})"
        yield f"Evaluation `{mode}`{whose}: {evaluation_in_words(mode)}."
    if len(modes) > 1 and best:
        yield "Rows are compared with the best of their own evaluation, never across."


def _time(entries: Sequence[Entry], rows: Sequence[Row], column: str) -> Iterator[str]:
    """Seconds of all runs of this study."""
    seconds: dict[str, float] = {}
    for entry, row in zip(entries, rows, strict=True):
        for name, variant in entry.candidates.items():
            for job in variant.jobs(entry.seeds if name == row.chosen else entry.first_seeds):
                if (job.folder / SUMMARY).is_file():
                    timing = read_summary(job.folder)["timing"]
                    seconds[str(job.folder)] = float(timing["seconds"])
    if seconds:
        yield (
            f"{column}: a run's mean, on the machine that ran it, perhaps with others beside it. All "
            f"{count(len(seconds), 'run')} of this table, candidates included: "
            f"{duration(sum(seconds.values()))} one after another."
        )


def _cost(rows: Sequence[Row]) -> Iterator[str]:
    costs = [row.cost for row in rows if row.cost]
    if costs:
        processors = ", ".join(dict.fromkeys(cost.processor for cost in costs))
        yield (
            "Latency: the median of predicting one test conversation of median length "
            f"({costs[0].utterances} utterances) again and again, on one thread of {processors}. Memory: the "
            "peak of the process that did it, Python and torch included."
        )


def _pairs_left_out(study: Study, rows: Sequence[Row]) -> Iterator[str]:
    classes = classes_of(rows)
    absent = [f"{a} and {b}" for a, b in study.pairs if classes and not {a, b} <= set(classes)]
    if absent:
        yield f"Pairs left out, for the corpus lacks a class: {', '.join(absent)}."


def _not_finished(rows: Sequence[Row]) -> Iterator[str]:
    missing = [
        f"{row.row} ({len(row.outcomes)} of {len(row.scores)})"
        for row in rows
        if row.chosen is not None and len(row.outcomes) + len(row.failed) < len(row.scores)
    ]
    undecided = [row.row for row in rows if row.verdict == "not chosen yet"]
    if missing:
        yield f"Not finished: {', '.join(missing)}."
    if undecided:
        yield f"Candidates not yet chosen: {', '.join(undecided)}."


def _failed(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        failed = {(row.chosen, seed): reason for seed, reason in row.failed.items()}
        for trial in row.tried:
            failed |= {(trial.candidate, seed): reason for seed, reason in trial.failed.items()}
        for (candidate, seed), reason in failed.items():
            name = f"{row.row} ({candidate})" if candidate else row.row
            yield f"Failed: {name} seed {seed}: {reason}"


def _synthetic(entries: Sequence[Entry]) -> Iterator[str]:
    variants = (variant for entry in entries for variant in entry.candidates.values())
    if any(variant.experiment.data == SYNTHETIC for variant in variants):
        yield "Synthetic corpus: the figures say nothing about people."
