"""`fedaffect table`: models on corpora over seeds, each at its best on dev, as the tables of a paper."""

import shlex
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedaffect.errors import UserError
from fedaffect.studies.study import Layout

if TYPE_CHECKING:
    from rich.console import Console

    from fedaffect.studies.study.entries import Entry, ModelTable
    from fedaffect.studies.study.rows import Row


class Format(StrEnum):
    """For a terminal, for whoever computes, for a paper."""

    TEXT = "text"
    CSV = "csv"
    LATEX = "latex"


def table(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A table; see tables/README.md.")],
    workers: Annotated[
        int, typer.Option("--jobs", min=1, help="How many runs at once, each in its own process.")
    ] = 2,
    out: Annotated[Path, typer.Option("--out", help="Where runs are kept, below `cache`.")] = Path(
        "runs/tables"
    ),
    results: Annotated[
        Path | None,
        typer.Option("--results", help="Where tables and pictures go.", show_default="--out"),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=1, help="How many, instead of what FILE says.")
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
    """Run models on corpora over seeds, each row as the candidate that dev chose, and say what is noise.

    Nothing begins before every row has been found sound. First all candidates are run with a few seeds; then
    the one that is best on dev, with all. What has finished is not run again, what was interrupted goes on. A
    candidate that fails is passed over, and the others go on; the exit code is then 1.
    """
    from rich.console import Console

    from fedaffect.report.formatting import count
    from fedaffect.runs.preflight import ensure_same_corpus
    from fedaffect.studies.study import data_files, pages, plan
    from fedaffect.studies.study.ranking import tabulate

    console = Console(stderr=as_json or form is not Format.TEXT)
    if run_nothing and only:
        raise UserError("--only chooses what is run, and --table runs nothing: leave one out")
    asked = plan.load(file, out, seeds, corpora or ())
    entries = asked.of_rows(only or ())
    pages.ensure_ours(results or out, asked)
    failed = 0
    if not run_nothing:
        ensure_same_corpus(job for entry in asked.of_rows() for job in entry.all_jobs)
        failed = _run(entries, workers, console)
        if latency:
            _measure(entries, console)
    tables = {
        corpus: tabulate(found, asked.pairs, latency) for corpus, found in asked.entries.items()
    }
    written = pages.write_results(results or out, asked, tables, _command(file, seeds))
    if as_json:
        typer.echo(data_files.as_json(tables))
    elif form is not Format.TEXT:
        render = data_files.as_csv if form is Format.CSV else _as_latex
        typer.echo("\n".join(render(rows, layout) for rows in tables.values()), nl=False)
    else:
        for (corpus, rows), page in zip(tables.items(), written, strict=True):
            _show(asked, corpus, rows, layout, page, console)
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
    asked: "ModelTable",
    corpus: str,
    rows: "Sequence[Row]",
    layout: Layout,
    page: Path,
    console: "Console",
) -> None:
    from fedaffect.studies.study.layouts import laid_out
    from fedaffect.studies.study.notes import notes

    console.print(f"{asked.title}: {corpus}", style="bold", markup=False, highlight=False)
    console.print(*laid_out(rows, layout).as_tables(console.width))
    for note in notes(asked.entries[corpus], rows, asked.pairs):
        console.print(f"- {note}", markup=False, highlight=False)
    console.print(f"page: {page}", markup=False, highlight=False, soft_wrap=True)


def _as_latex(rows: "Sequence[Row]", layout: Layout) -> str:
    from fedaffect.studies.study.layouts import laid_out

    return laid_out(rows, layout).as_latex()


def _command(file: Path, seeds: int | None) -> str:
    """What gives the same table on any machine."""
    words = ["fedaffect", "table", str(file)]
    return shlex.join([*words, *(["--seeds", str(seeds)] if seeds is not None else [])])
