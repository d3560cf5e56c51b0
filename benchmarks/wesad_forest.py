"""Forests on WESAD's wrist signals, a subject left out at a time: pooled, federated in both modes, alone.

    python benchmarks/wesad_forest.py [--seeds 3] [--out docs/results]

1,178 windows of 30 s of 15 people at rest, amused or stressed, from ../shared/data or $FEDAFFECT_DATA. A
client is a subject. 15 times one is left out, the others learn, and its windows are judged; scores are of all
1,178 together. Writes wesad.md and wesad.csv.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import ceil, log, sqrt
from pathlib import Path

import numpy as np
import numpy.typing as npt
import wesad_page
from wesad_windows import Rows, Windows, read

from fedaffect.inference.forest import Forest, joined
from fedaffect.learning.forest_bagging import FEWEST, grow
from fedaffect.learning.forest_random import (
    leaf_counts,
    random_trees,
    standard_grid,
    with_counts,
)
from fedaffect.learning.metrics import Counts, scores
from fedaffect.randomness import generator, seed_for

BESIDE = Path(__file__).parents[2] / "shared" / "data"
SETS = {"BVP, EDA, temperature, respiration": None, "BVP, EDA, temperature": "Resp_"}
SUBJECTS = 15
TREES, DEPTH, LEVELS, SMOOTHING, SHARPNESS = 200, 6, 31, 1.0, 4.0
A_CLIENT = ceil(TREES / (SUBJECTS - 1))
ALONE = 50
NOISE = (0.5, 1.0, 2.0, 4.0)
DELTA = 1e-5
FEWEST_PEOPLE = 5

Predict = Callable[[Rows], npt.NDArray[np.floating]]
Method = Callable[[Windows, int, int], list[Predict]]
"""(training windows, scaled; classes; seed) -> one model, or one a client."""


def majority(train: Windows, classes: int, seed: int) -> list[Predict]:
    share = np.bincount(train.label, minlength=classes) / len(train.label)
    return [lambda rows: np.tile(share, (len(rows), 1))]


def pooled(train: Windows, classes: int, seed: int) -> list[Predict]:
    """All windows on one heap, scikit-learn as it comes."""
    from sklearn.ensemble import RandomForestClassifier

    return [RandomForestClassifier(random_state=seed).fit(train.rows, train.label).predict_proba]


def pooled_as_clients(train: Windows, classes: int, seed: int) -> list[Predict]:
    """All windows on one heap, trees as the clients of `bagging` grow them."""
    return [_grown(train, classes, TREES, seed).predict]


def bagging(train: Windows, classes: int, seed: int, trees: int = A_CLIENT) -> list[Predict]:
    """The trees of all clients together, `trees` of each."""
    return [joined(list(_clients(train, classes, trees, seed))).predict]


def local(train: Windows, classes: int, seed: int) -> list[Predict]:
    return [forest.predict for forest in _clients(train, classes, ALONE, seed)]


def private(
    train: Windows,
    classes: int,
    seed: int,
    trees: int = TREES,
    depth: int = DEPTH,
    noise: float = 0.0,
) -> list[Predict]:
    """Sums of leaf one-hots over clients; on each number noise with a deviation of `noise` · √trees."""
    grid = standard_grid(train.rows.shape[1], LEVELS)
    forest = random_trees(grid, trees, depth, classes, seed_for(seed, "random trees"))
    total = np.zeros((trees, 2**depth, classes))
    for person in train.people:
        own = train.only(train.subject == person)
        total += leaf_counts(forest, own.rows, own.label)
    if noise:
        total += generator(seed, "noise").normal(scale=noise * sqrt(trees), size=total.shape)
    return [with_counts(forest, total, SMOOTHING, SHARPNESS).predict]


METHODS: dict[str, Method] = {
    "majority class": majority,
    "local only (mean of 14)": local,
    wesad_page.POOLED[0]: pooled,
    wesad_page.POOLED[1]: pooled_as_clients,
    "`bagging`": bagging,
    "`private`": private,
}


def _clients(train: Windows, classes: int, trees: int, seed: int) -> Iterator[Forest]:
    for person in train.people:
        own = train.only(train.subject == person)
        yield _grown(own, classes, trees, seed_for(seed, "trees", int(person)))


def _grown(own: Windows, classes: int, trees: int, seed: int) -> Forest:
    grid = standard_grid(own.rows.shape[1], LEVELS)
    forest = grow(
        own.rows, own.label, classes, grid, trees=trees, depth=DEPTH, leaf=FEWEST, seed=seed
    )
    assert forest is not None
    return forest


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
        train, rows = windows.only(np.isin(windows.subject, drawn)).scaled_for(own)
        after = (~windows.first[windows.subject == person]).astype(np.int64)
        for predict in method(train, classes, seed):
            estimated = predict(rows).argmax(axis=1)
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


def by_number(windows: Windows, seeds: int) -> Iterator[tuple[str, int, int, float, float]]:
    """(mode, clients, trees of each or of all, accuracy, balanced accuracy)."""
    for clients in (5, 10, SUBJECTS - 1):
        for mode, method, numbers in (
            ("`bagging`, trees of each client", bagging, (5, A_CLIENT, 45)),
            ("`private`, trees", private, (50, TREES)),
        ):
            for trees in numbers:
                found = mean_scores(windows, partial(method, trees=trees), seeds, clients)
                yield mode, clients, trees, *found


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
        told = min(has.sum(), (~has).sum()) >= FEWEST_PEOPLE
        both = [scores(confusion[who].sum(axis=0)).accuracy for who in (has, ~has)]
        yield name, int(has.sum()), int((~has).sum()), both if told else []


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--out", type=Path, default=Path("docs/results"))
    chosen = options.parse_args()
    path = Path(os.environ.get("FEDAFFECT_DATA", BESIDE)) / "wesad_wrist_30s.csv.gz"
    if not path.is_file():
        raise SystemExit(f"{path}: not there; set FEDAFFECT_DATA to the folder that holds it")
    results = list(every_result(path, chosen.seeds))
    windows, seeds = read(path), chosen.seeds
    wesad_page.write(
        chosen.out,
        results,
        seeds,
        list(by_number(windows, seeds)),
        list(with_noise(windows, seeds)),
        list(groups(windows, seeds)),
    )


if __name__ == "__main__":
    main()
