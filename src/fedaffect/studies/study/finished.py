"""A finished run as loaded by a study, with its scores checked against its confusion matrix."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fedaffect.errors import UserError
from fedaffect.learning.metrics import Counts, recall_and_f1, scores
from fedaffect.record.history import Curve, History
from fedaffect.record.summary import Summary, read_summary
from fedaffect.schema import Floats
from fedaffect.studies.paired import Outcome

EXACT = 1e-9


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """One run.

    Attributes:
        classes: their names.
        recall, f1: float64 [classes] on test; where clients have models of their own, means over those.
        confusion: int64 [classes, classes], summed over the models.
        dev_curve: rounds, and dev weighted F1 after each.
    """

    summary: Summary
    outcome: Outcome
    classes: tuple[str, ...]
    recall: Floats
    f1: Floats
    confusion: Counts
    dev_curve: Curve

    @classmethod
    def read(cls, folder: Path) -> "FinishedRun":
        """The run in `folder`.

        Raises:
            UserError: no finished run, its events were altered, or its scores are not those of its confusion.
        """
        summary, history = read_summary(folder), History.read(folder)
        if history.finish is None:
            raise UserError(f"{folder}: its events have no end; delete it to run it again")
        test: dict[str, Any] = history.finish["test"][history.primary]
        run = cls(
            summary=summary,
            outcome=Outcome(float(summary["test_weighted_f1"]), history.confusion_by_conversation),
            classes=tuple(history.classes),
            recall=np.array(test["recall"]),
            f1=np.array(test["f1"]),
            confusion=np.array(history.finish["confusion"], np.int64),
            dev_curve=history.dev_curve(history.primary),
        )
        if history.primary == "global":  # of several models there is no one confusion
            run._ensure_identity(folder)
        return run

    def shares_confused(self, pairs: Sequence[tuple[str, str]]) -> dict[str, float]:
        """Of the utterances of either class of a pair the share taken for the other, then of each one's.

        Pairs of which a class is lacking are left out.
        """
        found, items = {}, np.maximum(self.confusion.sum(axis=1), 1)
        for one, other in pairs:
            if one in self.classes and other in self.classes:
                a, b = self.classes.index(one), self.classes.index(other)
                there, back = self.confusion[a, b], self.confusion[b, a]
                found[f"{one} or {other}"] = float((there + back) / (items[a] + items[b]))
                found[f"{one} as {other}"] = float(there / items[a])
                found[f"{other} as {one}"] = float(back / items[b])
        return found

    def _ensure_identity(self, folder: Path) -> None:
        """accuracy = Σ_c n_c recall_c / N and weighted F1 = Σ_c n_c F1_c / N, by the stored confusion."""
        counted, (recall, f1) = scores(self.confusion), recall_and_f1(self.confusion)
        beside = {
            "test_accuracy": (self.summary["test_accuracy"], counted.accuracy),
            "test_weighted_f1": (self.summary["test_weighted_f1"], counted.weighted_f1),
            **{
                f"recall of {c}": pair
                for c, *pair in zip(self.classes, self.recall, recall, strict=True)
            },
            **{f"F1 of {c}": pair for c, *pair in zip(self.classes, self.f1, f1, strict=True)},
        }
        for name, (stored, implied) in beside.items():
            if not abs(stored - implied) <= EXACT:
                raise UserError(
                    f"{folder}: {name} is {stored:.10f}, but {implied:.10f} by its confusion: its figures do "
                    "not belong together; delete the folder to run it again"
                )
