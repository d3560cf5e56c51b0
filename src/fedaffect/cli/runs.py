"""`fedaffect runs` and `fedaffect show`: look at what has been run."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Folder = Annotated[Path, typer.Option(help="Where runs are kept.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def runs(folder: Folder = Path("runs"), as_json: AsJson = False) -> None:
    """List the runs in a folder and their state."""
    from dataclasses import asdict

    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from fedaffect.record.listing import listing
    from fedaffect.report.formatting import NOTHING, figure

    found = listing(folder)
    if as_json:
        typer.echo(json.dumps([asdict(run) for run in found], indent=2))
        return
    if not found:
        typer.echo(f"{folder}: no runs yet; `fedaffect demo` makes a first one")
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("run", "state", "algorithm", "corpus", "evaluation"):
        table.add_column(name, overflow="fold")
    table.add_column("rounds", justify="right")
    table.add_column("weighted F1", justify="right")
    for run in found:
        seeds = f", {run.seeds} seeds" if run.seeds else ""
        table.add_row(
            escape(run.run),
            escape(run.trouble or run.state + seeds),
            escape(run.algorithm or NOTHING),
            escape(run.corpus or NOTHING),
            run.evaluation or NOTHING,
            NOTHING if run.rounds is None else f"{run.rounds:g}",
            figure(run.test_weighted_f1),
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
    from fedaffect.studies.compare.scores import scores_table

    summary = read_summary(run)
    if as_json:
        typer.echo(json.dumps(summary, indent=2))
        return
    console = Console()
    console.print(run.resolve().name, style="bold", markup=False, highlight=False)
    console.print(_facts_table(summary))
    if summary["finished"]:
        console.print(scores_table(summary))
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


def _facts_table(summary: dict[str, Any]) -> "Table":
    """What was run and what it cost; the scores stand in a table of their own."""
    from rich.markup import escape
    from rich.table import Table

    from fedaffect.report.formatting import NOTHING, data_size, duration, figure
    from fedaffect.studies.compare.scores import is_score

    table = Table(show_header=False, box=None)
    for key, value in summary.items():
        spread = key.endswith("_sd") and key.removesuffix("_sd") in summary
        if key in ("run", "timing") or spread or is_score(key):
            continue
        text = NOTHING if value is None else str(value)
        if isinstance(value, bool):
            text = "yes" if value else "no"
        elif key.startswith("bytes_") and value is not None:
            text = data_size(value)
        elif isinstance(value, float):
            text = figure(value)
        table.add_row(key.replace("_", " "), escape(text))
    seconds = (summary.get("timing") or {}).get("seconds")
    if seconds is not None:
        table.add_row("time", duration(seconds))
    return table


def _print_curve(console: "Console", run: Path) -> None:
    from fedaffect.record.history import History
    from fedaffect.record.listing import sparkline
    from fedaffect.report.formatting import figure

    history = History.read(run)
    _, values = history.dev_curve(history.primary)
    if values:
        ends = f"{figure(values[0])} → {figure(values[-1])}"
        console.print(f"dev weighted F1  {sparkline(values)}  {ends}", highlight=False)
    elif not history.tells_rounds:
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
