"""docs/results/wesad.md and .csv."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from research.wesad.methods import POOLED

SHOWN = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced",
    "later_accuracy": "after 5 min",
    "later_balanced_accuracy": "balanced after 5 min",
    "stress_accuracy": "stress or not",
    "stress_balanced_accuracy": "balanced",
    "worst_subject": "worst subject",
}
WORDS = """\
# Body signals: forests on WESAD's wrist

1,178 windows of 30 s of 15 people (baseline 53 %, stress 30 %, amusement 17 %), features of the shared file;
the accelerometer and all that identifies a subject are left out. A client is a subject; one subject is left
out at a time, and every window is judged once, by models of the 14 others. Mean ± standard deviation over
{seeds} seeds. What the methods are, and what was tried before these settings: [forest](../forest.md).

    python -m research.wesad.forest  # six minutes of one core

How to read it:

- *Balanced* is the mean recall of the classes. *Stress or not* is a forest of its own with two classes.
- *Baseline: first 5 min*: every column relative to the mean and deviation of the subject's own first ten
  windows, which anybody has who has just put the band on. In WESAD people are at rest then, and these windows
  are of the class that is to be told from others: *after 5 min* leaves them out of the score.
- In brackets: the distance to the better of the two pooled forests in that column. *Trees of all, not counted
  in*: `bagging` without its second round.
- Between subjects accuracy differs by 0.15 and more: a few hundredths between methods are no finding.
- Respiration is from the chest belt, not the wrist.
"""


def write(out: Path, results: Sequence[Any], seeds: int, sections: Sequence[str]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with (out / "wesad.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, asdict(results[0]), lineterminator="\n")
        table.writeheader()
        for one in results:
            rounded = {k: f"{v:.4f}" if isinstance(v, float) else v for k, v in asdict(one).items()}
            table.writerow(rounded)
    parts = [WORDS.format(seeds=seeds)]
    for (features, baseline), some in groupby(results, lambda r: (r.features, r.baseline)):
        parts.append(f"## {features}; baseline: {baseline}\n\n" + _scores(list(some)))
    (out / "wesad.md").write_text("\n".join([*parts, *sections]), encoding="utf-8")


def grid(clients: Sequence[int], rows: Iterable[tuple[str, Sequence[tuple[float, float]]]]) -> str:
    """Clients × local work, which in `bagging` is the trees that each grows."""
    return (
        "## Clients × local work\n\nAccuracy / balanced accuracy. Fewer clients are drawn anew for each "
        "subject left out; of 15 subjects 14 can learn. In `private` clients only count, however many "
        "trees there are. Four sensors, no baseline.\n\n"
        + _table(
            ("", *(f"{n} clients" for n in clients)),
            [(name, *(f"{a:.3f} / {b:.3f}" for a, b in cells)) for name, cells in rows],
        )
    )


def prequential(rows: Iterable[tuple[str, float, float, Sequence[float]]]) -> str:
    """Judged, then learnt from."""
    return (
        "## Prequential: judged, then learnt from\n\nThe windows of a subject left out, in the order of the "
        "file (rest, stress, amusement, though on the day some were amused before): each is judged, then its "
        "label is told and it is counted in the `private` forest of the others. On the right, accuracy by "
        "the minutes for which a condition has lasted. Conditions last, so who repeats the last label is "
        "nearly always right, and what is learnt on the spot is mostly just that: look at 0-1 min, where it "
        "must be unlearnt. Four sensors, no baseline.\n\n"
        + _table(
            ("", "accuracy", "balanced", "0-1 min", "1-3 min", "3-6 min", "later"),
            [(name, *(f"{x:.3f}" for x in (a, b, *stretches))) for name, a, b, stretches in rows],
        )
    )


def noise(rows: Iterable[tuple[int, int, float, float, float]]) -> str:
    return (
        "## What noise would cost\n\n`private`, Gaussian noise on the summed counts; ε of one *window* at "
        "δ = 1e-5, where the ranges are public; of a person with 80 windows it would be far larger. Four "
        "sensors, no baseline.\n\n"
        + _table(
            ("trees", "depth", "ε", "accuracy", "balanced"),
            [(t, d, f"{e:.1f}", f"{a:.3f}", f"{b:.3f}") for t, d, e, a, b in rows],
        )
    )


def groups(rows: Iterable[tuple[str, int, int, Sequence[float]]]) -> str:
    return (
        "## By declared groups\n\nAccuracy of `private`, four sensors, no baseline. It is told only where at "
        "least five people have a trait and five have not: otherwise that of the few would follow from "
        "that of the others and the whole. Age, height and weight are cut at their medians.\n\n"
        + _table(
            ("trait", "people", "others", "accuracy", "of the others"),
            [
                (name, has, lacks, *([f"{a:.3f}" for a in both] or ["suppressed"] * 2))
                for name, has, lacks, both in rows
            ],
        )
    )


def _scores(results: Sequence[Any]) -> str:
    """One row a method, its mean and deviation, and the gap of accuracy and of balanced accuracy."""
    columns = {
        method: {name: np.array([getattr(r, name) for r in some]) for name in SHOWN}
        for method, some in (
            (m, [r for r in results if r.method == m])
            for m in dict.fromkeys(r.method for r in results)
        )
    }
    best = {n: max(columns[m][n].mean() for m in POOLED) for n in SHOWN}

    def cell(method: str, name: str) -> str:
        values = columns[method][name]
        gap = f" ({values.mean() - best[name]:+.3f})" if method.startswith("`") else ""
        return f"{values.mean():.3f} ± {values.std():.3f}{gap}"

    rows = [(method, *(cell(method, name) for name in SHOWN)) for method in columns]
    return _table(("", *SHOWN.values()), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)
