"""Evaluations of models in the four ways that may be compared only with their like.

`global`: the server's model on the whole part. `local`: every client's model on it. `prototype`: the
nearest global prototype in a model's embedding. `personal`: a client's model on the items of its own
classes (FedProto's protocol); it follows from the rows of a confusion matrix.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fedaffect.learning.metrics import (
    Counts,
    Evaluation,
    bootstrap_interval,
    calibration_error,
    own_classes,
    recall_and_f1,
    scores,
)

WORST = 0.1


@dataclass(frozen=True)
class Evaluations:
    """All evaluations of one state on one part.

    Attributes:
        modes: by mode, the one evaluation (`global`) or one a client (`local`, `prototype`).
        personal: one a client, as `personal` reads it: [classes, classes].
        primary: the mode that the algorithm is evaluated by first.
    """

    modes: Mapping[str, Sequence[Evaluation]]
    personal: Sequence[Counts]
    primary: str

    def summary(self) -> dict[str, dict[str, float]]:
        """Scores by mode, the mean over clients where there are several."""
        table = {m: [e.total for e in found] for m, found in self.modes.items()}
        return {m: _mean_scores(c) for m, c in {**table, "personal": self.personal}.items()}

    def details(self, seed: int) -> dict[str, dict[str, Any]]:
        """`summary` with recall and F1 by class, spread over clients, interval, calibration."""
        found: dict[str, dict[str, Any]] = {}
        for mode, summary in self.summary().items():
            evaluations = self.modes.get(mode, ())
            totals = [e.total for e in evaluations] or list(self.personal)
            recall, f1 = recall_and_f1(np.stack(totals))
            # A class counts for the models that were tested on it.
            asked = np.stack(totals).sum(axis=-1) > 0
            models = np.maximum(asked.sum(axis=0), 1)
            weighted = np.array([scores(c).weighted_f1 for c in totals])
            found[mode] = {
                **summary,
                "recall": (np.where(asked, recall, 0).sum(axis=0) / models).tolist(),
                "f1": (np.where(asked, f1, 0).sum(axis=0) / models).tolist(),
                "sd": float(weighted.std()),
                "worst_tenth": worst_tenth(weighted),
            }
            if evaluations:
                confusions = np.stack([e.confusion for e in evaluations])
                found[mode]["interval"] = list(bootstrap_interval(confusions, seed))
                errors = [calibration_error(e.reliability) for e in evaluations]
                found[mode]["calibration_error"] = float(np.mean(errors))
        return found

    def weighted_f1_of(self, mode: str) -> list[float]:
        """Weighted F1 of each model evaluated in a mode, `personal` included."""
        found = self.personal if mode == "personal" else [e.total for e in self.modes[mode]]
        return [scores(c).weighted_f1 for c in found]

    @property
    def score(self) -> float:
        """Weighted F1 of the primary evaluation: what models are selected by."""
        return self.summary()[self.primary]["weighted_f1"]


def personal_confusions(heads: Sequence[Evaluation], labels: Counts) -> list[Counts]:
    """Each client's confusion on its own classes.

    Args:
        heads: one for all clients (a global model) or one a client.
        labels: int64 [clients, classes].
    """
    every = list(heads) * len(labels) if len(heads) == 1 else heads
    return [own_classes(e.total, own) for e, own in zip(every, labels, strict=True)]


def worst_tenth(values: npt.NDArray[np.float64]) -> float:
    """The mean of the lowest tenth (at least one value)."""
    size = max(1, round(WORST * len(values)))
    return float(np.sort(values)[:size].mean())


def _mean_scores(confusions: Sequence[Counts]) -> dict[str, float]:
    rows = [asdict(scores(c)) for c in confusions]
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
