"""`fedaffect compare`: runs side by side, and where they must not be compared."""

import json
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
    from dataclasses import asdict

    from fedaffect.studies.compare.comparison import compare

    told, sides = compare(folders)
    if out is not None:
        from fedaffect.studies.compare.page import (
            write_page,
        )  # it draws, so it takes a second to load

        write_page(out, told, sides)
    if as_json:
        typer.echo(json.dumps(asdict(told), indent=2))
        return
    _print(told)
    if out is not None:
        typer.echo(f"page: {out.resolve()}")


def _print(told: "Comparison") -> None:
    from rich.console import Console

    from fedaffect.studies.compare import tables

    console = Console()
    for line in told.warnings:
        console.print(line, style="yellow", markup=False, highlight=False)
    console.print(tables.facts(told).as_table())
    if told.settings:
        console.print(tables.settings(told).as_table())
    else:
        console.print("No setting differs.")
    for mode in told.modes:
        title = f"Evaluation {mode.name}: {mode.meaning}"
        console.print(title, style="bold", markup=False, highlight=False)
        console.print(tables.scores(mode).as_table())
        if len(mode.scored) > 1:
            console.print(tables.differences(mode).as_table())
        console.print(tables.classes(mode).as_table())
        if any(run.groups for run in mode.clients):
            console.print(tables.clients(mode).as_table())
        for line in tables.unpaired(mode):
            console.print(line, style="yellow", markup=False, highlight=False)
    for line in tables.meanings(told.modes):
        console.print(f"- {line}", markup=False, highlight=False)
    if told.synthetic:
        console.print("Synthetic corpus: the figures say nothing about people.", style="yellow")
