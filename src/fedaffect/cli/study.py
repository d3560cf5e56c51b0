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

    from fedaffect.studies.study.entries import Entry, Study
    from fedaffect.studies.study.rows import Row

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
            "--data", help="Corpus, instead of what FILE says, where it has no [corpora]."
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

    A FILE without [corpora] is an ablation: rows are named changes, the first is the base. One with them is a
    table: each row stands on each corpus as the candidate that dev chose, and is compared with the best.

    Nothing begins before every row has been found sound. What has finished is not run again, what was
    interrupted goes on, and a row that was changed since is run afresh. A run that fails (its model diverges)
    is shown as such, and the others go on; the exit code is then 1.

    `ablate` and `table` are other names for this command, each with a default of its own for --out.
    """
    from rich.console import Console

    from fedaffect.report.formatting import count
    from fedaffect.runs.preflight import ensure_same_corpus
    from fedaffect.studies.study import pages, plan
    from fedaffect.studies.study.entries import of_rows
    from fedaffect.studies.study.ranking import tabulate

    called = context.info_name or "study"
    out = out or OUT.get(called, Path("runs/studies"))
    console = Console(stderr=as_json or form is not Format.TEXT)
    if run_nothing and only:
        raise UserError("--only chooses what is run, and --table runs nothing: leave one out")
    studies = plan.load_all(files, out, seeds, data, corpora or ())
    entries = of_rows(studies, only or ())
    for asked in studies:
        pages.ensure_ours(results or out, asked)
    failed = 0
    if not run_nothing:
        ensure_same_corpus(job for entry in of_rows(studies) for job in entry.all_jobs)
        failed = _run(entries, workers, console)
        if latency:
            best = [asked for asked in studies if asked.reference is Reference.BEST]
            _measure([entry for entry in of_rows(best) if entry in entries], console)
    data_by_name, papers = dict[str, Any](), list[str]()
    for file, asked in zip(files, studies, strict=True):
        tables = {corpus: tabulate(asked, corpus, latency) for corpus in asked.entries}
        command = _command(called, file, seeds, data)
        written = pages.write_results(results or out, asked, tables, command)
        for (corpus, rows), page in zip(tables.items(), written, strict=True):
            if as_json:
                name = corpus if corpus and len(studies) == 1 else asked.file_name(corpus)
                data_by_name[name] = _data(asked, rows)
            elif form is Format.TEXT:
                _show(asked, corpus, rows, layout, page, console)
            else:
                papers.append(_paper(asked, rows, layout, form))
    if as_json:
        typer.echo(json.dumps(data_by_name, indent=2))
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


def _show(
    asked: "Study",
    corpus: str,
    rows: "Sequence[Row]",
    layout: Layout,
    page: Path,
    console: "Console",
) -> None:
    from fedaffect.studies.study.notes import notes
    from fedaffect.studies.study.tables import layout_table

    console.print(asked.heading(corpus), style="bold", markup=False, highlight=False)
    console.print(layout_table(asked, rows, layout))
    for note in notes(asked, corpus, rows):
        console.print(f"- {note}", markup=False, highlight=False)
    console.print(f"page: {page}", markup=False, highlight=False, soft_wrap=True)


def _data(asked: "Study", rows: "Sequence[Row]") -> list[dict[str, Any]]:
    from fedaffect.studies.study.data_files import as_data

    return [as_data(asked, row) for row in rows]


def _paper(asked: "Study", rows: "Sequence[Row]", layout: Layout, form: Format) -> str:
    from fedaffect.studies.study.data_files import as_csv
    from fedaffect.studies.study.tables import layout_table

    if form is Format.CSV:
        return as_csv(asked, rows, layout)
    return layout_table(asked, rows, layout).as_latex()


def _command(called: str, file: Path, seeds: int | None, data: str | None) -> str:
    """What gives the same table on any machine."""
    words = ["fedaffect", called, str(file)]
    words += ["--seeds", str(seeds)] if seeds is not None else []
    words += ["--data", data] if data is not None else []
    return shlex.join(words)
