"""An evaluation as a folder: a page, its figures, the picture of what was confused, and every prediction."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from fedaffect.errors import UserError
from fedaffect.record.files import write_text
from fedaffect.schema import UNLABELLED
from fedaffect.studies.evaluate import tables
from fedaffect.studies.evaluate.judge import ModelEvaluation
from fedaffect.studies.evaluate.result import EvaluationResult
from fedaffect.studies.evaluate.task import Task

RESULT, PAGE, PREDICTIONS = "evaluation.json", "evaluation.html", "answers.csv"
OURS = {RESULT, PAGE, PREDICTIONS}


def ensure_free(folder: Path) -> None:
    """Nothing, where an evaluation may be written to `folder`, in place of an earlier one.

    Raises:
        UserError: it holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: a file is there; name a new folder")
    others = sorted({path.name for path in folder.iterdir()} - OURS) if folder.is_dir() else []
    if others:
        raise UserError(f"{folder}: holds something else ({others[0]}); name a new folder")


def write(
    folder: Path,
    result: EvaluationResult,
    task: Task,
    models: Sequence[ModelEvaluation],
    command: str,
) -> Path:
    """Write the folder; the page's path.

    Raises:
        UserError: it cannot be written.
    """
    ensure_free(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _write_predictions(folder / PREDICTIONS, task, models)
    write_text(folder / RESULT, as_json(result) + "\n")
    write_text(folder / PAGE, page(result, command))
    return folder / PAGE


def as_json(result: EvaluationResult) -> str:
    return json.dumps(asdict(result), indent=2)


def page(result: EvaluationResult, command: str) -> str:
    """The HTML."""
    from fedaffect.report.html import render
    from fedaffect.report.plots import scores

    return render(
        "evaluate.html.j2",
        title=result.run,
        result=result,
        tables=tables,
        confusion=scores.confusion(result.classes, result.confusion),
        calibration=scores.calibration(result.reliability),
        command=command,
    )


def _write_predictions(path: Path, task: Task, models: Sequence[ModelEvaluation]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        names = (f"p_{name}" for name in task.class_mapping.names)
        lines.writerow(["model", "conversation", "turn", "label", "estimated", *names])
        for model in models:
            lines.writerows(_predictions(task, model))


def _predictions(task: Task, model: ModelEvaluation) -> Iterator[list[str | int]]:
    """Every item of the part; without a label where it does not count."""
    corpus, names, outputs = task.corpus, task.class_mapping.names, model.outputs
    for item, probability in zip(outputs.item, outputs.probability, strict=True):
        label = int(corpus.label[item])
        yield [
            model.name,
            corpus.conversations[corpus.conversation[item]],
            int(corpus.turn[item]),
            "" if label == UNLABELLED else names[label],
            names[int(probability.argmax())],
            *(f"{p:.6f}" for p in probability),
        ]
