"""What a change is worth: the difference of two sets of runs, paired by seed, and what it shows.

Where runs tell what became of each test conversation, the interval is over conversations and seeds together;
where they do not (older runs, clients with models of their own), over seeds alone.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fedaffect.federation.events import EVENTS
from fedaffect.learning.metrics import Counts, weighted_f1_by_draw
from fedaffect.randomness import generator
from fedaffect.record.history import History

LEVEL = 0.95
DRAWS = 2000
JOINT, CONVERSATIONS, SEEDS = "conversations, seeds", "conversations", "seeds"
MEANING = {
    JOINT: "Interval over conversations and seeds: both are drawn with replacement, the same for a run and "
    "what it is compared with, and their mean difference is taken each time. Of few seeds, how much training "
    "varies is understated.",
    CONVERSATIONS: "Interval over conversations (one seed): test conversations are drawn with replacement, "
    "the same for both. It tells how these two models differ, not how training varies.",
    SEEDS: "Interval over seeds: Student's, paired. It tells how training varies, not how the test "
    "conversations were drawn.",
}


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one run scored: its weighted F1, and what that was counted from, where it tells.

    Attributes:
        confusion: int64 [test conversations, classes, classes].
    """

    score: float
    confusion: Counts | None = None


def outcome_of(folder: Path, score: float) -> Outcome:
    """The outcome of a finished run that scored `score`.

    Raises:
        UserError: its events were altered.
    """
    if not (folder / EVENTS).is_file():
        return Outcome(score)
    return Outcome(score, History.read(folder).confusion_by_conversation)


@dataclass(frozen=True)
class Difference:
    """A mean difference and its 95 % interval; no interval where nothing tells how sure it is.

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
    def verdict(self) -> str:
        """In words: a difference is shown where the interval leaves 0 out."""
        if self.low is None or self.high is None:
            return "one seed: no interval"
        shown = "better" if self.low > 0 else "worse" if self.high < 0 else "no difference shown"
        return shown if len(self.each) > 1 else f"{shown} (one seed)"


def paired(runs: Mapping[int, Outcome], base: Mapping[int, Outcome]) -> Difference | None:
    """The difference over the seeds that both have; None where they share none.

    Args:
        runs, base: an outcome by seed.
    """
    seeds = sorted(runs.keys() & base.keys())
    if not seeds:
        return None
    each = tuple(runs[seed].score - base[seed].score for seed in seeds)
    confusions = [outcome[seed].confusion for seed in seeds for outcome in (runs, base)]
    known = [confusion for confusion in confusions if confusion is not None]
    mean, over = statistics.fmean(each), JOINT if len(each) > 1 else CONVERSATIONS
    if len(known) == len(confusions) and _same_conversations(known):
        return Difference(mean, *_over_conversations(known), each, over)
    if len(each) == 1:
        return Difference(mean, None, None, each)
    half = _half_of_students(each)
    return Difference(mean, mean - half, mean + half, each, SEEDS)


def _half_of_students(each: Sequence[float]) -> float:
    from scipy.special import stdtrit

    quantile = float(stdtrit(len(each) - 1, (1 + LEVEL) / 2))
    return quantile * statistics.stdev(each) / math.sqrt(len(each))


def _same_conversations(confusions: Sequence[Counts]) -> bool:
    """Whether every run was asked about the same classes in the same conversations."""
    asked = confusions[0].sum(axis=-1)
    return len(asked) > 0 and all(np.array_equal(c.sum(axis=-1), asked) for c in confusions)


def _over_conversations(confusions: Sequence[Counts]) -> tuple[float, float]:
    """Percentiles over draws of conversations and, independently, of seeds.

    Args:
        confusions: of the first seed a run's and the base's, then of the second, and so on.
    """
    random, conversations = generator(0, "paired"), len(confusions[0])
    share = np.full(conversations, 1 / conversations)
    times = random.multinomial(conversations, share, size=DRAWS)
    scores = np.stack([weighted_f1_by_draw(times, confusion) for confusion in confusions])
    gains = scores[0::2] - scores[1::2]
    drawn = np.take_along_axis(gains, random.integers(0, len(gains), gains.shape), axis=0)
    low, high = np.quantile(drawn.mean(axis=0), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
