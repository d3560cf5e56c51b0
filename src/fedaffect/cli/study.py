"""`fedaffect study`: rows beside each other over seeds, as tables, pictures and the files of a paper."""

import json
import shlex
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fedaffect.errors import UserError
from fedaffect.studies.study import Layout, Reference

if TYPE_CHECKING:
    from rich.console import Console

    from fedaffect.studies.study.entries import Entry

OUT = {"ablate": Path("runs/ablations"), "table": Path("runs/tables")}
"""Where runs are kept by default, by the name that the command was called by."""


class Format(StrEnum):
    """For a terminal, for whoever computes, for a paper."""

    TEXT = "text"
    CSV = "csv"
    LATEX = "latex"


def study(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Studies; see ablations/README.md and tables/README.md."
        ),
    ],
    workers: Annotated[
        int, typer.Option("--jobs", min=1, help="How many runs at once, each in its own process.")
    ] = 2,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Where runs are kept, below `cache`.",
            show_default="runs/studies; of `ablate` runs/ablations, of `table` runs/tables",
        ),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option("--results", help="Where tables and pictures go.", show_default="--out"),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=1, help="How many, instead of what FILE says.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data", help="Corpus, instead of what FILE says, where it names no corpora."
        ),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Run only this row; may be repeated.")
    ] = None,
    corpora: Annotated[
        list[str] | None, typer.Option("--corpus", help="Only on this corpus; may be repeated.")
    ] = None,
    run_nothing: Annotated[
        bool, typer.Option("--table", help="Run nothing: tabulate what has finished.")
    ] = False,
    latency: Annotated[
        bool,
        typer.Option(" /--no-latency", help="Leave out what predicting takes.", show_default=False),
    ] = True,
    layout: Annotated[Layout, typer.Option("--layout", help="What is printed.")] = Layout.SUMMARY,
    form: Annotated[Format, typer.Option("--format", help="How it is printed.")] = Format.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Run the rows of studies over seeds, compare them with the base or the best, and say what is noise.

    A FILE that names no corpora is an ablation: rows are named changes, the first is the base. One that names
    some is a table: each row stands on each corpus as the candidate that dev chose, beside the best.

    Nothing begins before every row has been found sound. What has finished is not run again, what was
    interrupted goes on, and a row that was changed since is run afresh. A run that fails (its model diverges)
    is shown as such, and the others go on; the exit code is then 1.

    `ablate` and `table` are other names for this command, each with a default of its own for --out.
    """
    from rich.console import Console

    from fedaffect.report.formatting import count
    from fedaffect.runs.preflight import ensure_same_corpus
    from fedaffect.studies.study import data_files, pages, plan, tables
    from fedaffect.studies.study.entries import of_rows
    from fedaffect.studies.study.notes import notes
    from fedaffect.studies.study.ranking import tabulate

    name = context.info_name or "study"
    out = out or OUT.get(name, Path("runs/studies"))
    console = Console(stderr=as_json or form is not Format.TEXT)
    if run_nothing and only:
        raise UserError("--only chooses what is run, and --table runs nothing: leave one out")
    studies = plan.load_all(files, out, seeds, data, corpora or ())
    chosen = of_rows(studies, only or ())
    for one in studies:
        pages.ensure_ours(results or out, one)
    failed = 0
    if not run_nothing:
        ensure_same_corpus(job for entry in of_rows(studies) for job in entry.all_jobs)
        failed = _run(chosen, workers, console)
        if latency:
            best = of_rows([one for one in studies if one.reference is Reference.BEST])
            _measure([entry for entry in best if entry in chosen], console)
    found, papers = dict[str, Any](), list[str]()
    for file, one in zip(files, studies, strict=True):
        rows_by_corpus = {corpus: tabulate(one, corpus, latency) for corpus in one.entries}
        command = _command(name, file, seeds, data)
        written = pages.write_results(results or out, one, rows_by_corpus, command)
        for (corpus, rows), page in zip(rows_by_corpus.items(), written, strict=True):
            if as_json:
                key = corpus if corpus and len(studies) == 1 else one.file_name(corpus)
                found[key] = [data_files.as_data(one, row) for row in rows]
            elif form is Format.CSV:
                papers.append(data_files.as_csv(one, rows, layout))
            elif form is Format.LATEX:
                papers.append(tables.layout_table(one, rows, layout).as_latex())
            else:
                console.print(one.heading(corpus), style="bold", markup=False, highlight=False)
                console.print(tables.layout_table(one, rows, layout))
                for note in notes(one, corpus, rows):
                    console.print(f"- {note}", markup=False, highlight=False)
                console.print(f"page: {page}", markup=False, highlight=False, soft_wrap=True)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    elif papers:
        typer.echo("\n".join(papers), nl=False)
    if failed:
        typer.echo(f"{count(failed, 'run')} failed; the same command tries again", err=True)
        raise typer.Exit(1)


def _run(entries: "Sequence[Entry]", workers: int, console: "Console") -> int:
    """All candidates with a few seeds, then those that were chosen with all; how many runs failed."""
    from fedaffect.cli.jobs import execute
    from fedaffect.studies.study.selection import final_jobs, tuning_jobs

    failed = execute(tuning_jobs(entries), workers, console)
    return failed + execute(final_jobs(entries), workers, console)


def _measure(entries: "Sequence[Entry]", console: "Console") -> None:
    """What predicting costs with each chosen candidate, one by one, when nothing else of ours goes on."""
    from fedaffect.studies.study import cost
    from fedaffect.studies.study.selection import chosen_of

    left = cost.unmeasured(chosen for entry in entries if (chosen := chosen_of(entry)))
    for variant in left:
        console.print(f"{variant.name}: measuring latency and memory", highlight=False)
        cost.measure(variant)


def _command(name: str, file: Path, seeds: int | None, data: str | None) -> str:
    """What gives the same table on any machine."""
    words = ["fedaffect", name, str(file)]
    words += ["--seeds", str(seeds)] if seeds is not None else []
    words += ["--data", data] if data is not None else []
    return shlex.join(words)
