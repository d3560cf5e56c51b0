"""A verdict as a folder: a page, its figures, the picture of what was confused, and every answer."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from fedaffect.errors import UserError
from fedaffect.record.files import write_text
from fedaffect.schema import UNLABELLED
from fedaffect.studies.evaluate import tables
from fedaffect.studies.evaluate.judge import Judged
from fedaffect.studies.evaluate.result import EvaluationResult
from fedaffect.studies.evaluate.task import Task

VERDICT, PAGE, ANSWERS = "evaluation.json", "evaluation.html", "answers.csv"
OURS = {VERDICT, PAGE, ANSWERS}


def ensure_free(folder: Path) -> None:
    """Nothing, where a verdict may be written to `folder`, in place of an earlier one.

    Raises:
        UserError: it holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: a file is there; name a new folder")
    others = sorted({path.name for path in folder.iterdir()} - OURS) if folder.is_dir() else []
    if others:
        raise UserError(f"{folder}: holds something else ({others[0]}); name a new folder")


def write(
    folder: Path, told: EvaluationResult, question: Task, judged: Sequence[Judged], command: str
) -> Path:
    """Write the folder; the page's path.

    Raises:
        UserError: it cannot be written.
    """
    ensure_free(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _write_answers(folder / ANSWERS, question, judged)
    write_text(folder / VERDICT, as_json(told) + "\n")
    write_text(folder / PAGE, page(told, command))
    return folder / PAGE


def as_json(told: EvaluationResult) -> str:
    return json.dumps(asdict(told), indent=2)


def page(told: EvaluationResult, command: str) -> str:
    """The HTML."""
    from fedaffect.report import plots
    from fedaffect.report.html import render

    return render(
        "evaluate.html.j2",
        title=told.run,
        told=told,
        tables=tables,
        confusion=plots.confusion(told.classes, told.confusion),
        calibration=plots.calibration(told.reliability),
        command=command,
    )


def _write_answers(path: Path, question: Task, judged: Sequence[Judged]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        names = question.common.names
        table.writerow(
            ["model", "conversation", "turn", "label", "estimated", *(f"p_{n}" for n in names)]
        )
        for one in judged:
            table.writerows(_answers(question, one))


def _answers(question: Task, one: Judged) -> Iterator[list[str | int]]:
    """Every item of the part; without a label where it does not count."""
    corpus, names = question.corpus, question.common.names
    for item, probability in zip(one.outputs.item, one.outputs.probability, strict=True):
        label = int(corpus.label[item])
        yield [
            one.name,
            corpus.conversations[corpus.conversation[item]],
            int(corpus.turn[item]),
            "" if label == UNLABELLED else names[label],
            names[int(probability.argmax())],
            *(f"{p:.6f}" for p in probability),
        ]
