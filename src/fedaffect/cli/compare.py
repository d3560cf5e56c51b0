"""`fedaffect compare`: compare runs side by side, with warnings where they are not comparable."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fedaffect.studies.compare.comparison import Comparison


def compare(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="RUN RUN...", help="Folders of finished runs, or of their seeds."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="An HTML file to write the comparison to.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Put runs side by side: settings that differ, scores within each evaluation, differences, costs.

    The first run is what the others are compared with.
    """
    from fedaffect.studies.compare.comparison import as_json as in_json
    from fedaffect.studies.compare.comparison import compare

    comparison, runs = compare(folders)
    if out is not None:
        from fedaffect.record.files import write_text
        from fedaffect.studies.compare.page import page  # it draws, so it takes a second to load

        write_text(out, page(comparison, runs))
    if as_json:
        typer.echo(in_json(comparison))
        return
    _print(comparison)
    if out is not None:
        typer.echo(f"page: {out.resolve()}")


def _print(comparison: "Comparison") -> None:
    from rich.console import Console

    from fedaffect.studies.compare import tables

    console = Console()
    for line in comparison.warnings:
        console.print(line, style="yellow", markup=False, highlight=False)
    console.print(tables.facts(comparison))
    if comparison.settings:
        console.print(tables.settings(comparison))
    else:
        console.print("No setting differs.")
    for mode in comparison.modes:
        title = f"Evaluation {mode.name}: {mode.meaning}"
        console.print(title, style="bold", markup=False, highlight=False)
        console.print(tables.scores(mode))
        if len(mode.scored) > 1:
            console.print(tables.differences(mode))
        console.print(tables.classes(mode))
        if any(run.groups for run in mode.clients):
            console.print(tables.clients(mode))
        for line in tables.unpaired(mode):
            console.print(line, style="yellow", markup=False, highlight=False)
    for line in tables.meanings(comparison.modes):
        console.print(f"- {line}", markup=False, highlight=False)
    if comparison.synthetic:
        console.print("Synthetic corpus: the figures say nothing about people.", style="yellow")
