"""What is compared: a finished run, or the finished seeds of one."""

import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fedaffect.errors import UserError
from fedaffect.record.history import History
from fedaffect.record.summary import Summary, read_summary, seed_folders
from fedaffect.studies.paired import Outcome


@dataclass(frozen=True, eq=False)
class ComparedRun:
    """One of the runs that are compared.

    Attributes:
        name: its folder's, or its path where two folders have one name.
        summary: its figures; means where there are several seeds.
        histories, summaries: by seed.
    """

    name: str
    summary: Summary
    histories: Mapping[int, History]
    summaries: Mapping[int, Summary]

    @property
    def history(self) -> History:
        """Of the first seed: what all seeds have in common."""
        return next(iter(self.histories.values()))

    @property
    def modes(self) -> list[str]:
        """The evaluations that were made, the primary one first.

        Where one client holds all, `personal` is not one; without prototypes there is no `prototype`.
        """
        alone = len(self.history.clients) == 1
        made = [(history.finish or {})["test"] for history in self.histories.values()]
        return [
            mode
            for mode in self.history.start["evaluations"]
            if not (alone and mode == "personal") and all(mode in test for test in made)
        ]

    def key(self, mode: str, figure: str) -> str:
        """What a figure of a mode is called in a summary."""
        return figure if mode == self.history.primary else f"{mode}_{figure}"

    def outcomes(self, mode: str) -> dict[int, Outcome]:
        """What each seed scored on test, and what it was counted from where that is recorded."""
        score, primary = self.key(mode, "test_weighted_f1"), mode == self.history.primary
        return {
            seed: Outcome(
                float(summary[score]),
                self.histories[seed].confusion_by_conversation if primary else None,
            )
            for seed, summary in self.summaries.items()
        }

    def class_f1(self, mode: str) -> dict[str, float]:
        """F1 by class on test, the mean over seeds."""
        found = [
            (history.finish or {})["test"][mode].get("f1") for history in self.histories.values()
        ]
        known = [values for values in found if values]
        means = [statistics.fmean(values) for values in zip(*known, strict=True)]
        return dict(zip(self.history.classes, means, strict=False))

    def dev_curve(self, mode: str) -> tuple[list[int], list[float]]:
        """(rounds, weighted F1 on dev), the mean over seeds of the rounds that all of them have."""
        curves = [
            dict(zip(*history.dev_curve(mode), strict=True)) for history in self.histories.values()
        ]
        rounds = sorted(set.intersection(*(set(curve) for curve in curves)))
        return rounds, [statistics.fmean(curve[number] for curve in curves) for number in rounds]

    @property
    def passes(self) -> float | None:
        """How often training saw an utterance, on average; None where it is not recorded."""
        found = [_passes(history) for history in self.histories.values()]
        known = [passes for passes in found if passes is not None]
        return statistics.fmean(known) if known else None


def compared_runs(folders: Sequence[Path]) -> list[ComparedRun]:
    """The runs in `folders`, in that order.

    Raises:
        UserError: fewer than two, one of them twice, no run, or none that has finished.
    """
    if len(folders) < 2:
        raise UserError("compare: give two or more runs")
    for place, folder in enumerate(folders):
        if folder.resolve() in [other.resolve() for other in folders[:place]]:
            raise UserError(f"{folder}: given twice; give each run once")
    # A link keeps the name it was given.
    names = [Path(os.path.abspath(folder)).name for folder in folders]  # noqa: PTH100
    if len(set(names)) < len(names):
        names = [str(folder) for folder in folders]
    return [_read(folder, name) for folder, name in zip(folders, names, strict=True)]


def _read(folder: Path, name: str) -> ComparedRun:
    runs = seed_folders(folder) or [folder]
    summaries = {run: read_summary(run) for run in runs}
    finished = {run: summary for run, summary in summaries.items() if summary["finished"]}
    if not finished:
        raise UserError(
            f"{folder}: has not finished, so it has no test figures; go on with --resume"
        )
    return ComparedRun(
        name=name,
        summary=read_summary(folder),
        histories={summary["seed"]: History.read(run) for run, summary in finished.items()},
        summaries={summary["seed"]: summary for summary in finished.values()},
    )


def _passes(history: History) -> float | None:
    if history.selected is None:
        return None
    volumes = [client["volume"] for client in history.start["clients"]]
    seen = sum(v * times for v, times in zip(volumes, history.selected, strict=True))
    epochs: int = history.experiment["training"]["local_epochs"]
    return float(epochs * seen / max(sum(volumes), 1))
