"""`fedaffect runs` and `fedaffect show`: look at what has been run."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

Folder = Annotated[Path, typer.Option(help="Where runs are kept.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def runs(folder: Folder = Path("runs"), as_json: AsJson = False) -> None:
    """List the runs in a folder and their state."""
    from dataclasses import asdict

    from rich.console import Console

    from fedaffect.record.listing import Listed, listing
    from fedaffect.report.formatting import figure, of_summary, plain
    from fedaffect.report.table import Column, Table

    found = listing(folder)
    if as_json:
        typer.echo(json.dumps([asdict(run) for run in found], indent=2))
        return
    if not found:
        typer.echo(f"{folder}: no runs yet; `fedaffect demo` makes a first one")
        return

    def state(run: Listed) -> str:
        return run.trouble or run.state + (f", {run.seeds} seeds" if run.seeds else "")

    table = Table.of(
        found,
        [
            (Column("run", words=True), lambda run: run.run),
            (Column("state", words=True), state),
            (Column("algorithm", words=True), lambda run: plain(run.algorithm)),
            (Column("corpus", words=True), lambda run: plain(run.corpus)),
            (Column("evaluation", words=True), lambda run: plain(run.evaluation)),
            (Column("weighted F1"), lambda run: figure(run.test_weighted_f1)),
            (Column("rounds"), lambda run: of_summary("rounds", run.rounds)),
        ],
    )
    Console().print(table)


def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, or of its seeds.")],
    as_json: AsJson = False,
    open_report: Annotated[
        bool, typer.Option("--open", help="Open the report in a browser.")
    ] = False,
) -> None:
    """Show a run's figures and where its report is; a missing report is written."""
    import webbrowser

    from rich.console import Console

    from fedaffect.record.summary import read_summary, seed_folders
    from fedaffect.report import summary_tables

    summary = read_summary(run)
    if as_json:
        typer.echo(json.dumps(summary, indent=2))
        return
    console = Console()
    console.print(run.resolve().name, style="bold", markup=False, highlight=False)
    console.print(summary_tables.facts(summary))
    if summary["finished"]:
        console.print(summary_tables.scores(summary))
    if not seed_folders(run):
        _print_curve(console, run)
    if not summary["finished"]:
        console.print("This run has not finished: there are no test figures.", style="yellow")
    if summary.get("synthetic"):
        console.print("Synthetic corpus: the figures say nothing about people.", style="yellow")
    try:
        report = _report(run, bool(summary["finished"])).resolve()
    except ModuleNotFoundError as error:
        typer.echo(f"report: needs {error.name}; pip install 'fedaffect[train]'")
        return
    typer.echo(f"report: {report}")
    if open_report:
        webbrowser.open(report.as_uri())


def _print_curve(console: "Console", run: Path) -> None:
    from fedaffect.record.history import History
    from fedaffect.record.listing import sparkline
    from fedaffect.report.formatting import figure

    history = History.read(run)
    _, values = history.dev_curve(history.primary)
    if values:
        ends = f"{figure(values[0])} → {figure(values[-1])}"
        console.print(f"dev weighted F1  {sparkline(values)}  {ends}", highlight=False)
    elif not history.records_rounds:
        console.print("dev weighted F1  not recorded by round (rounds.record)", highlight=False)


def _report(run: Path, finished: bool) -> Path:
    """The report's path; that of an unfinished run, or of seeds, is written anew, since they grow."""
    from fedaffect.record.files import REPORT
    from fedaffect.record.summary import seed_folders

    path = run / REPORT
    if finished and not seed_folders(run) and path.is_file():
        return path
    from fedaffect.report.report import write_report  # it draws, so it takes a second to load

    return write_report(run)
