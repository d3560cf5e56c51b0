"""`fedaffect evaluate`: a trained model judged, on its own test part or on another corpus."""

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedaffect.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from fedaffect.learning.saved import SavedModel
    from fedaffect.studies.evaluate.judge import Judged
    from fedaffect.studies.evaluate.result import EvaluationResult
    from fedaffect.studies.evaluate.task import Task


class Part(StrEnum):
    """Of a corpus."""

    train = "train"
    dev = "dev"
    test = "test"
    all = "all"


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    data: Annotated[
        str | None,
        typer.Option("--data", help="Folder of a corpus; default: the one it was trained on."),
    ] = None,
    classes: Annotated[
        Path | None,
        typer.Option("--classes", help="A TOML file: which of its classes stand for which."),
    ] = None,
    split: Annotated[Part, typer.Option("--split", help="Which part is judged.")] = Part.test,
    without_copies: Annotated[
        bool,
        typer.Option("--without-copies", help="Leave out images that are in RUN's train part too."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for a page, its figures and all answers.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "cpu",
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Import the model class that RUN names.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Judge the model of a run on a part of a corpus, its own or another, and say what was left out."""
    from rich.console import Console

    from fedaffect.learning import saved
    from fedaffect.record.summary import seed_folders
    from fedaffect.studies.evaluate import page
    from fedaffect.studies.evaluate.result import verdict
    from fedaffect.studies.evaluate.task import of_run

    seeds = seed_folders(run)
    if seeds:
        raise UserError(f"{run}: holds {len(seeds)} seeds; give one of them: {seeds[0]}")
    if out is not None:
        page.ensure_free(out)
    model = saved.read_config(run / "model", allow_code)
    question = of_run(run, model, data, classes, split.value, without_copies)
    errors = Console(stderr=True)
    judged = _judge(run / "model", model, question, device, allow_code, errors)
    whole = run.resolve()
    name = f"{whole.parent.name}/{whole.name}" if whole.name.startswith("seed-") else whole.name
    told = verdict(name, question, judged, model.experiment.seed, model.reader)
    if out is not None:
        command = shlex.join(["fedaffect", *sys.argv[1:]])
        written = page.write(out, told, question, judged, command)
    if as_json:
        typer.echo(page.as_json(told))
        return
    _print(told)
    if out is not None:
        typer.echo(f"page: {written.resolve()}")


def _judge(
    folder: Path,
    model: "SavedModel",
    question: "Task",
    device: str,
    allow_code: bool,
    console: "Console",
) -> "list[Judged]":
    """All models of a run, with what remains to be done shown on a terminal."""
    from rich.progress import Progress

    from fedaffect.corpus.batching import rows_of
    from fedaffect.studies.evaluate.judge import judge

    items = len(rows_of(question.corpus, question.conversations))
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("items", total=items * len(model.members))
        return [
            judge(folder, name, question, device, allow_code, lambda n: progress.advance(task, n))
            for name in model.members
        ]


def _print(told: "EvaluationResult") -> None:
    from rich.console import Console

    from fedaffect.studies.evaluate import tables

    console = Console()
    console.print(told.run, style="bold", markup=False, highlight=False)
    for line in tables.facts(told):
        console.print(line, markup=False, highlight=False)
    for line in tables.cautions(told):
        console.print(line, style="yellow", markup=False, highlight=False)
    shown = [tables.scores(told), tables.classes(told)]
    if len(told.models) > 1:
        shown.append(tables.models(told))
    for sheet in shown:
        for table in sheet.as_tables(console.width):
            console.print(table)
