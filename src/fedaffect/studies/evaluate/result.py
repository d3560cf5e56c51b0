"""The result of a task: one object, as `evaluation.json` keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedaffect.corpus.classes import ClassMap
from fedaffect.federation.server.evaluations import Evaluations
from fedaffect.learning.metrics import scores
from fedaffect.schema import UNLABELLED
from fedaffect.studies.evaluate.judge import ModelEvaluation
from fedaffect.studies.evaluate.task import Task


@dataclass(frozen=True)
class EvaluationResult:
    """Scores are means over models, where there are several.

    Attributes:
        run: its name.
        evaluation: `global` (one model) or `local` (one a client), as in a run's record.
        corpus: its name, provenance and pairing.
        learnt_from: how the corpus that the model was trained on was read; empty where that is not recorded.
        split: which part, or `all`.
        items, conversations: how many count.
        left_out: why → how many do not.
        classes: the common ones.
        model_classes, corpus_classes: what each class counts as; None = left out.
        elsewhere: items that count, for which the likeliest class was one that is left out.
        scores: weighted_f1, macro_f1, accuracy, uar; recall and f1 by class; over several models sd and
            worst_tenth of weighted F1; interval (over conversations) and calibration_error.
        models: weighted F1 and accuracy of each.
        confusion: rows true, columns estimated, summed over models.
        reliability: as `Evaluation.reliability`, summed over models.
    """

    run: str
    evaluation: str
    corpus: Mapping[str, Any]
    learnt_from: str
    split: str
    items: int
    conversations: int
    left_out: Mapping[str, int]
    classes: tuple[str, ...]
    model_classes: Mapping[str, str | None]
    corpus_classes: Mapping[str, str | None]
    elsewhere: float
    scores: Mapping[str, Any]
    models: Mapping[str, Mapping[str, float]]
    confusion: Sequence[Sequence[int]]
    reliability: Sequence[Sequence[float]]

    @property
    def support(self) -> list[int]:
        """Items by class."""
        return [sum(row) // len(self.models) for row in self.confusion]


def make_result(
    run: str, task: Task, models: Sequence[ModelEvaluation], seed: int, learnt_from: str = ""
) -> EvaluationResult:
    """Sum up what one model, or one a client, predicted."""
    mode = "global" if [model.name for model in models] == ["model"] else "local"
    evaluations, corpus = [model.evaluation for model in models], task.corpus
    # There are no clients here whose own classes would make a personal score.
    found = Evaluations({mode: evaluations}, [e.total for e in evaluations], mode)
    each = {model.name: scores(model.evaluation.total) for model in models}
    return EvaluationResult(
        run=run,
        evaluation=mode,
        corpus={
            "name": corpus.name,
            "source": corpus.provenance.source,
            "sha256": corpus.provenance.sha256,
            "reader": corpus.provenance.reader,
            "synthetic": corpus.provenance.synthetic,
            "pairing": corpus.provenance.pairing,
        },
        learnt_from=learnt_from,
        split=task.split,
        items=task.items,
        conversations=len(evaluations[0].confusion),
        left_out=task.left_out,
        classes=task.class_mapping.names,
        model_classes=_by_name(task.class_mapping.of_model),
        corpus_classes=_by_name(task.class_mapping.of_labels),
        elsewhere=float(np.mean([model.elsewhere for model in models])),
        scores=found.details(seed)[mode],
        models={n: {"weighted_f1": s.weighted_f1, "accuracy": s.accuracy} for n, s in each.items()},
        confusion=np.sum([e.total for e in evaluations], axis=0).tolist(),
        reliability=np.sum([e.reliability for e in evaluations], axis=0).tolist(),
    )


def _by_name(classes: ClassMap) -> dict[str, str | None]:
    return {
        name: None if index == UNLABELLED else classes.target[index]
        for name, index in zip(classes.source, classes.index, strict=True)
    }
