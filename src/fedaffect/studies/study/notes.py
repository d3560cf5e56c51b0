"""What must be known to read a table of models."""

from collections.abc import Sequence

from fedaffect.experiment import SYNTHETIC
from fedaffect.record.files import SUMMARY
from fedaffect.record.summary import read_summary
from fedaffect.report.formatting import EVALUATIONS, count, duration
from fedaffect.studies.paired import CONVERSATIONS, JOINT, MEANING, SEEDS
from fedaffect.studies.study.entries import Entry
from fedaffect.studies.study.layouts import classes_of
from fedaffect.studies.study.rows import BEST_TEST, ROUNDS, Row

_OF_MEANS = {
    JOINT: "over conversations and seeds, both drawn with replacement; of few seeds, how much training "
    "varies is understated",
    CONVERSATIONS: "over conversations drawn with replacement (one seed)",
    SEEDS: "over seeds alone (Student's)",
}


def notes(
    entries: Sequence[Entry], rows: Sequence[Row], pairs: Sequence[tuple[str, str]] = ()
) -> list[str]:
    """A sentence or two each; those that do not apply are left out."""
    return [
        *_what_was_tried(entries, rows),
        *_how_to_read(rows),
        *_best_test(rows),
        *_to_target(rows),
        *_evaluations(rows),
        *_cost(entries, rows),
        *_pairs_left_out(rows, pairs),
        *_what_is_lacking(rows),
        *_synthetic(entries),
    ]


def _what_was_tried(entries: Sequence[Entry], rows: Sequence[Row]) -> list[str]:
    tried = sum(len(row.tried) for row in rows)
    said = [f"{count(tried, 'candidate')} tried for {count(len(rows), 'row')}, all listed below."]
    if tried > len(rows):
        seeds = count(entries[0].tuning_seeds, "seed")
        judges = {entry.judge.corpus for entry in entries if entry.judge}
        where = f" of `{judges.pop()}`" if judges else ""
        said[0] += (
            f" Where a row has several, the one with the best mean weighted F1 on dev{where} over "
            f"{seeds} was chosen and run with all; test was not looked at for it."
        )
    return said


def _how_to_read(rows: Sequence[Row]) -> list[str]:
    means = {row.interval.over for row in rows if row.interval}
    differences = {row.difference.over for row in rows if row.difference}
    said = ["±: the sample sd over seeds. ECE: expected calibration error."]
    for over in (over for over in _OF_MEANS if over in means):
        of = [row.row for row in rows if row.interval and row.interval.over == over]
        whose = "" if len(means) == 1 else f" of {', '.join(of)}"
        said.append(f"95 % interval of the mean weighted F1{whose}: {_OF_MEANS[over]}.")
    if differences:
        said.append(
            "To the best: weighted F1 less that of the row with the highest mean, over the seeds that both "
            "have: not always the difference of the two means that are shown. That row was picked by its "
            "test mean, which flatters its lead; of twenty rows that do not differ, one is expected to look "
            "otherwise."
        )
    said += [MEANING[over] for over in MEANING if over in differences]
    if any(row.evaluation == "global" for row in rows):
        said.append(
            "Of every run of one global model, accuracy = Σ n_c recall_c / N and weighted F1 = "
            "Σ n_c F1_c / N were counted again from its confusion: they are the stored ones."
        )
    return said


def _best_test(rows: Sequence[Row]) -> list[str]:
    if all(row.figures[BEST_TEST] is None for row in rows):
        return []
    return [
        "BEST TEST LOOKS AT TEST: the best test score of any round, as much of the literature reports. It "
        "stands here to show what that convention is worth, and is no result: nothing is chosen by it."
    ]


def _to_target(rows: Sequence[Row]) -> list[str]:
    if all(row.figures[ROUNDS] is None for row in rows):
        return []
    return [
        "Rounds and bytes to target: until dev first scored `rounds.target`, means over the seeds that did; "
        "bytes up and down. A dash where none did."
    ]


def _evaluations(rows: Sequence[Row]) -> list[str]:
    modes = sorted({row.evaluation for row in rows if row.evaluation})
    said = []
    for mode in modes:
        of = [row.row for row in rows if row.evaluation == mode]
        whose = "" if len(modes) == 1 else f" ({', '.join(of)})"
        said.append(f"Evaluation `{mode}`{whose}: {EVALUATIONS.get(mode, mode)}.")
    if len(modes) > 1:
        said.append("Rows are compared with the best of their own evaluation, never across.")
    return said


def _cost(entries: Sequence[Entry], rows: Sequence[Row]) -> list[str]:
    """Seconds of all that this table asked for, and what a latency is of."""
    seconds: dict[str, float] = {}
    for entry, row in zip(entries, rows, strict=True):
        for name, variant in entry.candidates.items():
            for job in variant.jobs(entry.seeds if name == row.chosen else entry.first_seeds):
                if (job.folder / SUMMARY).is_file():
                    timing = read_summary(job.folder)["timing"]
                    seconds[str(job.folder)] = float(timing["seconds"])
    if not seconds:
        return []
    said = [
        "Training: a run's mean, on the machine that ran it, perhaps with others beside it. All "
        f"{count(len(seconds), 'run')} of this table, candidates included: {duration(sum(seconds.values()))} "
        "one after another."
    ]
    costs = [row.cost for row in rows if row.cost]
    if costs:
        processors = ", ".join(dict.fromkeys(cost.processor for cost in costs))
        said.append(
            "Latency: the median of predicting one test conversation of median length "
            f"({costs[0].utterances} utterances) again and again, on one thread of {processors}. Memory: the "
            "peak of the process that did it, Python and torch included."
        )
    return said


def _pairs_left_out(rows: Sequence[Row], pairs: Sequence[tuple[str, str]]) -> list[str]:
    classes = classes_of(rows)
    absent = [f"{a} and {b}" for a, b in pairs if classes and not {a, b} <= set(classes)]
    return [f"Pairs left out, for the corpus lacks a class: {', '.join(absent)}."] if absent else []


def _what_is_lacking(rows: Sequence[Row]) -> list[str]:
    missing = [
        f"{row.row} ({len(row.outcomes)} of {len(row.scores)})"
        for row in rows
        if row.chosen is not None and len(row.outcomes) + len(row.failed) < len(row.scores)
    ]
    undecided = [row.row for row in rows if row.verdict == "not chosen yet"]
    said = [f"Not finished: {', '.join(missing)}."] if missing else []
    said += [f"Candidates not yet chosen: {', '.join(undecided)}."] if undecided else []
    for row in rows:
        failed = {(row.chosen, seed): reason for seed, reason in row.failed.items()}
        for trial in row.tried:
            failed |= {(trial.candidate, seed): reason for seed, reason in trial.failed.items()}
        for (candidate, seed), reason in failed.items():
            name = f"{row.row} ({candidate})" if candidate else row.row
            said.append(f"Failed: {name} seed {seed}: {reason}")
    return said


def _synthetic(entries: Sequence[Entry]) -> list[str]:
    first = next(iter(entries[0].candidates.values()))
    if first.experiment.data != SYNTHETIC:
        return []
    return ["Synthetic corpus: the figures say nothing about people."]
