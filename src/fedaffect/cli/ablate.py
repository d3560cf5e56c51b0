"""`fedaffect ablate`: named changes against a base, over seeds, as a table and a picture."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from fedaffect.errors import UserError


def ablate(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Ablations; see ablations/README.md.")
    ],
    workers: Annotated[
        int, typer.Option("--jobs", min=1, help="How many runs at once, each in its own process.")
    ] = 2,
    out: Annotated[Path, typer.Option("--out", help="Where runs are kept, below `cache`.")] = Path(
        "runs/ablations"
    ),
    results: Annotated[
        Path | None,
        typer.Option("--results", help="Where tables and pictures go.", show_default="--out"),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=1, help="How many, instead of what FILE says.")
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", help="Corpus, instead of what FILE says.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Run only this row; may be repeated.")
    ] = None,
    table: Annotated[
        bool, typer.Option("--table", help="Run nothing: tabulate what has finished.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Run named changes against a base, over seeds, and say what each is worth.

    Nothing begins before every row has been found sound. What has finished is not run again, what was
    interrupted goes on; a row that was changed since is another experiment, and is run. A run that fails
    (its model diverges) is shown as such, and the others go on; the exit code is then 1.
    """
    from rich.console import Console

    from fedaffect.cli.jobs import execute
    from fedaffect.report.formatting import count
    from fedaffect.runs.preflight import ensure_same_corpus
    from fedaffect.studies.ablation import pages, plan
    from fedaffect.studies.ablation.rows import notes, tabulate

    console = Console(stderr=as_json)
    if table and only:
        raise UserError("--only chooses what is run, and --table runs nothing: leave one out")
    ablations = plan.load_all(files, out, seeds, data)
    for ablation in ablations:
        pages.ensure_ours(results or out, ablation)
    failed = 0
    if not table:
        ensure_same_corpus(job for ablation in ablations for job in ablation.all_jobs)
        failed = execute(plan.unfinished(ablations, only or ()), workers, console)
    tables = {ablation.name: tabulate(ablation) for ablation in ablations}
    for file, ablation in zip(files, ablations, strict=True):
        rows = tables[ablation.name]
        page = pages.write_results(results or out, ablation, rows, _command(file, seeds, data))
        if as_json:
            continue
        console.print(ablation.title, style="bold", markup=False, highlight=False)
        console.print(*pages.as_tables(ablation, rows, console.width))
        for note in notes(ablation, rows):
            console.print(f"- {note}", markup=False, highlight=False)
        console.print(f"page: {page}", markup=False, highlight=False, soft_wrap=True)
    if as_json:
        typer.echo(pages.as_json(tables))
    if failed:
        typer.echo(f"{count(failed, 'run')} failed; the same command tries again", err=True)
        raise typer.Exit(1)


def _command(file: Path, seeds: int | None, data: str | None) -> str:
    """What gives the same table on any machine."""
    words = ["fedaffect", "ablate", str(file)]
    words += ["--seeds", str(seeds)] if seeds is not None else []
    words += ["--data", data] if data is not None else []
    return shlex.join(words)
