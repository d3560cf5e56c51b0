"""What a change is worth: the difference of two sets of runs, paired by seed, and what it shows.

Where runs have recorded the confusion of each test conversation, the interval is over conversations and
seeds together; where they have not (older runs, clients with models of their own), over seeds alone. The
interval of what clients gain one by one is over clients and seeds.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fedaffect.learning.metrics import Counts, weighted_f1_by_draw
from fedaffect.randomness import generator

LEVEL = 0.95
DRAWS = 2000
FEWEST = 6
"""Clients that an interval takes: were fewer all to gain, even a sign test at 5 % would show nothing."""
JOINT, CONVERSATIONS, SEEDS = "conversations, seeds", "conversations", "seeds"
CLIENTS = "clients, seeds"
MEANING = {
    JOINT: "Interval over conversations and seeds: both are drawn with replacement, the same for a run and "
    "what it is compared with, and their mean difference is taken each time. Of few seeds, how much training "
    "varies is understated.",
    CONVERSATIONS: "Interval over conversations (one seed): test conversations are drawn with replacement, "
    "the same for both. It shows how these two models differ, not how training varies.",
    SEEDS: "Interval over seeds: Student's, paired. It shows how training varies, not how the test "
    "conversations were drawn.",
    CLIENTS: "Client by client: gained and lost are counted over clients and seeds; volume is how many "
    "labelled utterances a client holds, on average; selected: in at least one round. The interval of the "
    "mean is over clients and seeds: both are drawn with replacement, the same clients in every seed. It "
    "shows how clients differ, not how the test conversations were drawn; of few seeds, how much training "
    f"varies is understated, of one it is left out. Fewer than {FEWEST} clients have none.",
}


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one run scored: its weighted F1, and what that was counted from, where it is recorded.

    Attributes:
        confusion: int64 [test conversations, classes, classes].
    """

    score: float
    confusion: Counts | None = None


@dataclass(frozen=True)
class Interval:
    """Where a mean lies in 95 of a hundred draws of what it is `over`."""

    low: float
    high: float
    over: str

    @property
    def ends(self) -> tuple[float, float]:
        return self.low, self.high


@dataclass(frozen=True)
class Difference:
    """A mean difference and its 95 % interval; no interval where nothing shows how sure it is.

    Attributes:
        each: the difference of each pair, in the order of seeds.
        over: what the interval is over, one of `MEANING`; empty where there is none.
    """

    mean: float
    low: float | None
    high: float | None
    each: tuple[float, ...]
    over: str = ""

    @property
    def ends(self) -> tuple[float, float] | None:
        return ends(self.low, self.high)

    @property
    def verdict(self) -> str:
        """In words: a difference is shown where the interval leaves 0 out."""
        if self.ends is None:
            return "one seed: no interval"
        low, high = self.ends
        shown = "better" if low > 0 else "worse" if high < 0 else "no difference shown"
        return shown if len(self.each) > 1 else f"{shown} (one seed)"


def ends(low: float | None, high: float | None) -> tuple[float, float] | None:
    """Both ends of an interval; None where there is none."""
    return None if low is None or high is None else (low, high)


def paired(runs: Mapping[int, Outcome], base: Mapping[int, Outcome]) -> Difference | None:
    """The difference over the seeds that both have; None where they share none.

    Args:
        runs, base: an outcome by seed.
    """
    seeds = sorted(runs.keys() & base.keys())
    if not seeds:
        return None
    each = tuple(runs[seed].score - base[seed].score for seed in seeds)
    counts = [[outcome[seed].confusion for seed in seeds] for outcome in (runs, base)]
    mean, found = statistics.fmean(each), _interval(each, counts)
    if found is None:
        return Difference(mean, None, None, each)
    return Difference(mean, found.low, found.high, each, found.over)


def mean_interval(runs: Mapping[int, Outcome]) -> Interval | None:
    """The interval of the mean score of runs of one kind; None where nothing shows how sure it is.

    Args:
        runs: an outcome by seed.
    """
    outcomes = list(runs.values())
    return _interval([o.score for o in outcomes], [[o.confusion for o in outcomes]])


def over_clients(gains: npt.NDArray[np.float64]) -> tuple[float, float] | None:
    """The interval of a mean gain over draws of clients and, independently, of seeds.

    A client is drawn with all its seeds: a person's gain in one says something of the next.

    Args:
        gains: [seeds, clients]; NaN where a client is not counted in a seed.

    Returns:
        None for fewer than `FEWEST` clients.
    """
    if gains.shape[1] < FEWEST:
        return None
    random, means = generator(0, "paired", "clients"), list[float]()
    for _ in range(DRAWS):
        seeds, clients = (random.integers(0, size, size) for size in gains.shape)
        drawn = gains[np.ix_(seeds, clients)]
        counted = drawn[~np.isnan(drawn)]
        if counted.size:
            means.append(float(counted.mean()))
    return _percentiles(np.array(means))


def _interval(each: Sequence[float], counts: Sequence[Sequence[Counts | None]]) -> Interval | None:
    """The interval of the mean of `each`, a number a seed.

    Args:
        counts: what each number was counted from: the confusions of runs, one a seed, and those of the runs
            that they are compared with.
    """
    known = [[c for c in runs if c is not None] for runs in counts]
    every = [confusion for runs in known for confusion in runs]
    if every and len(every) == len(counts) * len(each) and _same_conversations(every):
        return Interval(*_over_conversations(known), JOINT if len(each) > 1 else CONVERSATIONS)
    if len(each) < 2:
        return None
    mean, half = statistics.fmean(each), _half_of_students(each)
    return Interval(mean - half, mean + half, SEEDS)


def _half_of_students(each: Sequence[float]) -> float:
    from scipy.special import stdtrit

    quantile = float(stdtrit(len(each) - 1, (1 + LEVEL) / 2))
    return quantile * statistics.stdev(each) / math.sqrt(len(each))


def _same_conversations(confusions: Sequence[Counts]) -> bool:
    """Whether every run was tested on the same classes in the same conversations."""
    labels = confusions[0].sum(axis=-1)
    return len(labels) > 0 and all(np.array_equal(c.sum(axis=-1), labels) for c in confusions)


def _over_conversations(counts: Sequence[Sequence[Counts]]) -> tuple[float, float]:
    """Percentiles over draws of conversations and, independently, of seeds.

    Args:
        counts: a confusion a seed of some runs, and of those that they are compared with.
    """
    random, conversations = generator(0, "paired"), len(counts[0][0])
    share = np.full(conversations, 1 / conversations)
    times = random.multinomial(conversations, share, size=DRAWS)
    scores = np.array([[weighted_f1_by_draw(times, c) for c in runs] for runs in counts])
    gains = np.subtract.reduce(scores, axis=0)  # of one set of runs: its scores
    drawn = np.take_along_axis(gains, random.integers(0, len(gains), gains.shape), axis=0)
    return _percentiles(drawn.mean(axis=0))


def _percentiles(means: npt.NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
