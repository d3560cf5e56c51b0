"""What a change is worth: the difference of two sets of runs, paired by seed, and what it shows."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

LEVEL = 0.95


@dataclass(frozen=True)
class Difference:
    """A mean difference and its 95 % interval; no interval where there is only one pair.

    Attributes:
        each: the difference of each pair, in the order of seeds.
    """

    mean: float
    low: float | None
    high: float | None
    each: tuple[float, ...]

    @property
    def verdict(self) -> str:
        """In words: a difference is shown where the interval leaves 0 out."""
        if self.low is None or self.high is None:
            return "one seed: no interval"
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "no difference shown"


def paired(scores: Mapping[int, float], base: Mapping[int, float]) -> Difference | None:
    """Student's paired interval over the seeds that both have; None where they share none.

    It tells how training varies from seed to seed. It does not tell how the test set was drawn: all seeds
    are judged on the same conversations.

    Args:
        scores, base: a score by seed.
    """
    from scipy.special import stdtrit  # type: ignore[import-untyped]

    each = tuple(scores[seed] - base[seed] for seed in sorted(scores.keys() & base.keys()))
    if not each:
        return None
    mean, pairs = statistics.fmean(each), len(each)
    if pairs == 1:
        return Difference(mean, None, None, each)
    half = float(stdtrit(pairs - 1, (1 + LEVEL) / 2)) * statistics.stdev(each) / pairs**0.5
    return Difference(mean, mean - half, mean + half, each)
