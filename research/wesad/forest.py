"""Forests on WESAD's wrist signals, a subject left out at a time: pooled, federated in both modes, alone.

    python -m research.wesad.forest [--seeds 2] [--out docs/results]

1,178 windows of 30 s of 15 people at rest, amused or stressed, from ../shared/data or $FEDAFFECT_DATA. A
client is a subject. 15 times one is left out, the others learn, and its windows are judged; scores are of all
1,178 together. Writes wesad.md and wesad.csv.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import log, sqrt
from pathlib import Path

import numpy as np

from fedaffect.learning.metrics import Counts, scores
from fedaffect.randomness import generator
from research.wesad import page, prequential
from research.wesad.methods import (
    DEPTH,
    METHODS,
    OF_EACH,
    SUBJECTS,
    TREES,
    Method,
    bagging,
    private,
)
from research.wesad.windows import Windows, read, wesad_file

SETS = {"BVP, EDA, temperature, respiration": None, "BVP, EDA, temperature": "Resp_"}
CLIENTS = (5, 10, SUBJECTS - 1)
TREES_OF_EACH = (5, OF_EACH, 2 * OF_EACH)
"""Trees that each client grows."""
NOISE = (0.5, 1.0, 2.0, 4.0)
DELTA = 1e-5
FEWEST_PEOPLE = 5


def left_out(
    windows: Windows, method: Method, seed: int, classes: int = 3, clients: int = SUBJECTS - 1
) -> Counts:
    """int64 [2, subjects, classes, classes]: confusions of each subject, in its first five minutes and after.

    Of several models the sum. Fewer clients are drawn anew for each subject left out.
    """
    found = np.zeros((2, len(windows.people), classes, classes), np.int64)
    for number, person in enumerate(windows.people):
        others = windows.people[windows.people != person]
        drawn = generator(seed, "clients", int(person)).permutation(others)[:clients]
        own = windows.only(windows.subject == person)
        train, judged = windows.only(np.isin(windows.subject, drawn)).scaled_for(own)
        after = (~windows.first[windows.subject == person]).astype(np.int64)
        for predict in method(train, classes, seed):
            estimated = predict(judged.rows).argmax(axis=1)
            np.add.at(found, (after, number, own.label, estimated), 1)
    return found


@dataclass(frozen=True)
class Result:
    """One method with one seed; fractions. `later`: without anybody's first five minutes."""

    features: str
    baseline: str
    method: str
    seed: int
    accuracy: float
    balanced_accuracy: float
    later_accuracy: float
    later_balanced_accuracy: float
    worst_subject: float
    stress_accuracy: float
    stress_balanced_accuracy: float


def result(windows: Windows, named: tuple[str, str, str], method: Method, seed: int) -> Result:
    confusion = left_out(windows, method, seed)
    whole, later = scores(confusion.sum(axis=(0, 1))), scores(confusion[1].sum(axis=0))
    by_subject = [scores(c).accuracy for c in confusion.sum(axis=0)]
    stress = scores(left_out(windows.of_stress(), method, seed, classes=2).sum(axis=(0, 1)))
    each = [score for s in (whole, later) for score in (s.accuracy, s.uar)]
    return Result(*named, seed, *each, min(by_subject), stress.accuracy, stress.uar)


def every_result(path: Path, seeds: int) -> Iterator[Result]:
    for features, without in SETS.items():
        measured = read(path, without)
        for baseline, windows in (("none", measured), ("first 5 min", measured.relative())):
            for name, method in METHODS.items():
                for seed in range(seeds):
                    found = result(windows, (features, baseline, name), method, seed)
                    print(found, flush=True)
                    yield found


def mean_scores(
    windows: Windows, method: Method, seeds: int, clients: int = SUBJECTS - 1
) -> tuple[float, float]:
    """Accuracy and balanced accuracy, over seeds."""
    each = [
        scores(left_out(windows, method, s, clients=clients).sum(axis=(0, 1))) for s in range(seeds)
    ]
    return float(np.mean([s.accuracy for s in each])), float(np.mean([s.uar for s in each]))


def by_number(windows: Windows, seeds: int) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """(method, accuracy and balanced accuracy for each number of clients)."""
    rows: list[tuple[str, Method]] = [
        (f"`bagging`, {trees} trees of each", partial(bagging, trees=trees))
        for trees in TREES_OF_EACH
    ]
    rows += [(f"`private`, {trees} trees", partial(private, trees=trees)) for trees in (50, TREES)]
    for name, method in rows:
        yield name, [mean_scores(windows, method, seeds, clients) for clients in CLIENTS]


def with_noise(windows: Windows, seeds: int) -> Iterator[tuple[int, int, float, float, float]]:
    """(trees, depth, ε, accuracy, balanced accuracy)."""
    for trees, depth in ((25, 4), (TREES, DEPTH)):
        for noise in NOISE:
            method = partial(private, trees=trees, depth=depth, noise=noise)
            yield trees, depth, epsilon(noise), *mean_scores(windows, method, seeds)


def epsilon(noise: float) -> float:
    """ρ + 2 √(ρ ln 1/δ) with ρ = 1 / 2 noise², of one window (Bun, Steinke 2016, prop. 1.3)."""
    rho = 1 / (2 * noise**2)
    return rho + 2 * sqrt(rho * log(1 / DELTA))


def groups(windows: Windows, seeds: int) -> Iterator[tuple[str, int, int, list[float]]]:
    """(declared trait, people with it, people without it, accuracy for either).

    No accuracy where fewer than five have it, or lack it: the one group's would follow from the other's.
    """
    confusion = np.sum([left_out(windows, private, s).sum(axis=0) for s in range(seeds)], axis=0)
    for name, flags in windows.declared.items():
        has = np.array([flags[windows.subject == person].all() for person in windows.people])
        shown = min(has.sum(), (~has).sum()) >= FEWEST_PEOPLE
        both = [scores(confusion[who].sum(axis=0)).accuracy for who in (has, ~has)]
        yield name, int(has.sum()), int((~has).sum()), both if shown else []


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    options = parser.parse_args()
    path = wesad_file()
    results = list(every_result(path, options.seeds))
    windows, seeds = read(path), options.seeds
    page.write(
        options.out,
        results,
        seeds,
        [
            page.grid(CLIENTS, list(by_number(windows, seeds))),
            page.prequential(list(prequential.table(windows, seeds))),
            page.noise(list(with_noise(windows, seeds))),
            page.groups(list(groups(windows, seeds))),
        ],
    )


if __name__ == "__main__":
    main()
