"""Judging models in the four ways that may be compared only with their like.

`global`: the server's model on the whole part. `local`: every client's model on it. `prototype`: the
nearest global prototype in a model's embedding. `personal`: a client's model on the items of its own
classes (FedProto's protocol); it follows from the rows of a confusion matrix.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.federation.algorithms.base import Algorithm, Spec, State, features
from fedaffect.learning.learner import Learner, Tensors
from fedaffect.learning.metrics import (
    BINS,
    Counts,
    Evaluation,
    bootstrap_interval,
    calibration_error,
    evaluate,
    own_classes,
    recall_and_f1,
    scores,
)

WORST = 0.1


def evaluate_modes(
    algorithm: Algorithm,
    state: State,
    model: Tensors,
    learner: Learner,
    corpus: ConversationCorpus,
    split: str,
) -> dict[str, Evaluation]:
    """One model on one part, by its own head (`head`) and by nearest prototype (`prototype`)."""
    learner.set({**model, **features(state)})
    outputs = learner.predict(corpus.conversations_in(split))
    judged = {"head": evaluate(corpus, outputs)}
    if "prototype" in algorithm.evaluations:
        nearest = algorithm.predict_nearest(state, outputs, len(corpus.classes))
        if nearest is not None:
            judged["prototype"] = evaluate(corpus, replace(outputs, probability=nearest))
    return judged


def as_tensors(judged: Mapping[str, Evaluation]) -> Tensors:
    """Evaluations as named tensors, the form in which a client sends them."""
    return {
        f"evaluation/{mode}/{part}": array
        for mode, evaluation in judged.items()
        for part, array in vars(evaluation).items()
    }


def evaluation_specs(corpus: ConversationCorpus, split: str) -> dict[str, Spec]:
    """The tensors of an evaluation by both heads: counts, by conversation or summed."""
    classes, modalities = len(corpus.classes), len(corpus.features)
    conversations = len(corpus.conversations_in(split))
    parts = {
        "confusion": Spec((conversations, classes, classes), "int64"),
        "reliability": Spec((BINS, 3), "float64"),
        "modality_weights": Spec((classes, modalities), "float64"),
    }
    return {f"evaluation/{m}/{p}": spec for m in ("head", "prototype") for p, spec in parts.items()}


def from_tensors(tensors: Mapping[str, npt.NDArray[Any]]) -> dict[str, Evaluation]:
    """The inverse of `as_tensors`."""
    modes = sorted({name.split("/")[1] for name in tensors})
    parts = ("confusion", "reliability", "modality_weights")
    return {m: Evaluation(*(tensors[f"evaluation/{m}/{p}"] for p in parts)) for m in modes}


@dataclass(frozen=True)
class Evaluations:
    """All evaluations of one state on one part.

    Attributes:
        modes: by mode, the one evaluation (`global`) or one a client (`local`, `prototype`).
        personal: one a client, as `personal` reads it: [classes, classes].
        primary: the mode that the algorithm is judged by first.
    """

    modes: Mapping[str, Sequence[Evaluation]]
    personal: Sequence[Counts]
    primary: str

    def summary(self) -> dict[str, dict[str, float]]:
        """Scores by mode, the mean over clients where there are several."""
        table = {m: [e.total for e in judged] for m, judged in self.modes.items()}
        return {m: _mean_scores(c) for m, c in {**table, "personal": self.personal}.items()}

    def details(self, seed: int) -> dict[str, dict[str, Any]]:
        """`summary` with recall and F1 by class, spread over clients, interval, calibration."""
        found: dict[str, dict[str, Any]] = {}
        for mode, summary in self.summary().items():
            judged = self.modes.get(mode, ())
            totals = [e.total for e in judged] or list(self.personal)
            recall, f1 = recall_and_f1(np.stack(totals))
            # A class counts for the models that were asked about it.
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
            if judged:
                confusions = np.stack([e.confusion for e in judged])
                found[mode]["interval"] = list(bootstrap_interval(confusions, seed))
                errors = [calibration_error(e.reliability) for e in judged]
                found[mode]["calibration_error"] = float(np.mean(errors))
        return found

    def weighted_f1_of(self, mode: str) -> list[float]:
        """Weighted F1 of each model judged in a mode, `personal` included."""
        found = self.personal if mode == "personal" else [e.total for e in self.modes[mode]]
        return [scores(c).weighted_f1 for c in found]

    @property
    def score(self) -> float:
        """Weighted F1 of the primary evaluation: what models are selected by."""
        return self.summary()[self.primary]["weighted_f1"]


def judge_personal(heads: Sequence[Evaluation], labels: Counts) -> list[Counts]:
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
