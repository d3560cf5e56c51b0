"""`fedaffect evaluate`: a trained model evaluated, on its own test part or on another corpus."""

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from fedaffect.learning.saved import SavedModel
    from fedaffect.studies.evaluate.judge import ModelEvaluation
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
    split: Annotated[
        Part, typer.Option("--split", help="Which part it is evaluated on.")
    ] = Part.test,
    without_copies: Annotated[
        bool,
        typer.Option("--without-copies", help="Leave out images that are in RUN's train part too."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for a page, its figures and all predictions."),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "cpu",
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Import the model class that RUN names.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Evaluate the model of a run on a part of a corpus, its own or another, and say what was left out."""
    from rich.console import Console

    from fedaffect.learning import saved
    from fedaffect.runs.trained import single_run
    from fedaffect.studies.evaluate import page
    from fedaffect.studies.evaluate.result import make_result
    from fedaffect.studies.evaluate.task import of_run

    single_run(run)
    if out is not None:
        page.ensure_free(out)
    model = saved.read_config(run / "model", allow_code)
    task = of_run(run, model, data, classes, split.value, without_copies)
    models = _judge(run / "model", model, task, device, allow_code, Console(stderr=True))
    whole = run.resolve()
    name = f"{whole.parent.name}/{whole.name}" if whole.name.startswith("seed-") else whole.name
    result = make_result(name, task, models, model.experiment.seed, model.reader)
    if out is not None:
        command = shlex.join(["fedaffect", *sys.argv[1:]])
        written = page.write(out, result, task, models, command)
    if as_json:
        typer.echo(page.as_json(result))
        return
    _print(result)
    if out is not None:
        typer.echo(f"page: {written.resolve()}")


def _judge(
    folder: Path,
    model: "SavedModel",
    task: "Task",
    device: str,
    allow_code: bool,
    console: "Console",
) -> "list[ModelEvaluation]":
    """All models of a run, with what remains to be done shown on a terminal."""
    from rich.progress import Progress

    from fedaffect.corpus.batching import rows_of
    from fedaffect.studies.evaluate.judge import judge

    items = len(rows_of(task.corpus, task.conversations))
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("items", total=items * len(model.members))
        return [
            judge(folder, name, task, device, allow_code, lambda n: progress.advance(bar, n))
            for name in model.members
        ]


def _print(result: "EvaluationResult") -> None:
    from rich.console import Console

    from fedaffect.studies.evaluate import tables

    console = Console()
    console.print(result.run, style="bold", markup=False, highlight=False)
    for line in tables.facts(result):
        console.print(line, markup=False, highlight=False)
    for line in tables.cautions(result):
        console.print(line, style="yellow", markup=False, highlight=False)
    console.print(tables.scores(result), tables.classes(result))
    if len(result.models) > 1:
        console.print(tables.models(result))
