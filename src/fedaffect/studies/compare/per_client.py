"""What each client gains: its score in a run less that of the same client, with the same data, in the base.

A mean over clients hides who pays for it: a kind of model that loses, or clients that are never selected.
"""

import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fedaffect.record.history import History, quartiles
from fedaffect.studies.compare.cautions import same_corpus, same_shares
from fedaffect.studies.compare.runs import ComparedRun
from fedaffect.studies.paired import ends, over_clients

MODES = ("local", "personal")
"""The evaluations in which every client has a score of its own."""
ALL = "all"
SELECTION = {
    (True, True): "selected in both",
    (False, True): "never selected in base",
    (True, False): "never selected in run",
    (False, False): "never selected in either",
}
"""By whether a client was ever selected, in the base and in the run."""


@dataclass(frozen=True)
class Pair:
    """One client in one seed.

    Attributes:
        client: its index, the same in every seed; `name` is what the corpus calls it.
        volume: supervised utterances that it holds.
        kind: the settings of its model where `clients.variants` gives several, else empty.
        selection: one of `SELECTION`.
        base, run: its weighted F1 on test in each.
    """

    seed: int
    client: int
    name: str
    volume: int
    kind: str
    selection: str
    base: float
    run: float

    @property
    def gain(self) -> float:
        return self.run - self.base


@dataclass(frozen=True)
class Gains:
    """A group of clients, over all seeds.

    Attributes:
        volume: supervised utterances that a client holds, on average.
        low, high: ends of the interval of the mean gain; None for few clients.
        quartiles: of the gains.
        gained, lost: how many pairs did; those that are equal count for neither.
        worst: the smallest gain.
    """

    group: str
    pairs: int
    volume: float
    mean: float
    low: float | None
    high: float | None
    quartiles: tuple[float, float, float] | None
    gained: int
    lost: int
    worst: float

    @property
    def ends(self) -> tuple[float, float] | None:
        return ends(self.low, self.high)


@dataclass(frozen=True)
class ByClient:
    """The clients of one run beside those of the base, in one evaluation.

    Attributes:
        groups: all; by kind where there are several; by selection where a client never was selected.
        unpaired: seeds in which clients of the run hold other data than those of the base.
    """

    run: str
    base: str
    groups: tuple[Gains, ...]
    pairs: tuple[Pair, ...]
    unpaired: tuple[int, ...]


def by_client(mode: str, run: ComparedRun, base: ComparedRun) -> ByClient:
    """Pair the clients of two runs in an evaluation of `MODES` by seed and index."""
    pairs, unpaired = list[Pair](), list[int]()
    for seed in sorted(run.histories.keys() & base.histories.keys()):
        ours, theirs = run.histories[seed], base.histories[seed]
        if same_corpus(run, base) and same_shares(ours, theirs):
            pairs += _pairs(mode, seed, ours, theirs)
        else:
            unpaired.append(seed)
    named = {ALL: pairs} if pairs else {}
    named |= by_kind(pairs) | by_selection(pairs)
    groups = tuple(_gains(name, group) for name, group in named.items())
    return ByClient(run.name, base.name, groups, tuple(pairs), tuple(unpaired))


def by_kind(pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    """Pairs by the kind of client; empty where there is one kind."""
    return _apart(pairs, lambda pair: pair.kind, dict.fromkeys(pair.kind for pair in pairs))


def by_selection(pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    """Pairs in the order of `SELECTION`; empty where one kind of it has them all."""
    return _apart(pairs, lambda pair: pair.selection, SELECTION.values())


def _apart(
    pairs: Sequence[Pair], of: Callable[[Pair], str], names: Iterable[str]
) -> dict[str, list[Pair]]:
    found = {name: [pair for pair in pairs if of(pair) == name] for name in names}
    some = {name: group for name, group in found.items() if group}
    return some if len(some) > 1 else {}


def _pairs(mode: str, seed: int, run: History, base: History) -> Iterator[Pair]:
    score, kinds = f"{mode}_weighted_f1", _kinds(run) or _kinds(base) or [""]
    ended = [(history.finish or {})["clients"] for history in (run, base)]
    for index, (ours, theirs) in enumerate(zip(*ended, strict=True)):
        if ours[score] is not None and theirs[score] is not None:
            yield Pair(
                seed=seed,
                client=index,
                name=ours["name"],
                volume=ours["volume"],
                kind=kinds[index % len(kinds)],
                selection=SELECTION[theirs["selected"] > 0, ours["selected"] > 0],
                base=theirs[score],
                run=ours[score],
            )


def _kinds(history: History) -> list[str]:
    """How the models of each kind of client differ from others, as `width=64`."""
    variants = history.experiment["clients"].get("variants", ())
    return [
        ", ".join(setting.removeprefix("model.") for setting in settings) or "as in [model]"
        for settings in variants
    ]


def _gains(group: str, pairs: Sequence[Pair]) -> Gains:
    gains = [pair.gain for pair in pairs]
    low, high = _interval(pairs) or (None, None)
    return Gains(
        group=group,
        pairs=len(pairs),
        volume=statistics.fmean(pair.volume for pair in pairs),
        mean=statistics.fmean(gains),
        low=low,
        high=high,
        quartiles=quartiles(gains),
        gained=sum(gain > 0 for gain in gains),
        lost=sum(gain < 0 for gain in gains),
        worst=min(gains),
    )


def _interval(pairs: Sequence[Pair]) -> tuple[float, float] | None:
    seeds, row = np.unique([pair.seed for pair in pairs], return_inverse=True)
    clients, column = np.unique([pair.client for pair in pairs], return_inverse=True)
    gains = np.full((len(seeds), len(clients)), np.nan)  # a client may be of a group in some seeds
    gains[row, column] = [pair.gain for pair in pairs]
    return over_clients(gains)
