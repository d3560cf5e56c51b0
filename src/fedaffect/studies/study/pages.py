"""A table of models as files: a page, its figures, and the table of a paper, for each corpus."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from fedaffect.errors import UserError
from fedaffect.record.files import write_text
from fedaffect.report.formatting import count
from fedaffect.report.table import Sheet
from fedaffect.studies.study import Layout
from fedaffect.studies.study.data_files import as_csv
from fedaffect.studies.study.entries import ModelTable
from fedaffect.studies.study.layouts import confused, laid_out, tried
from fedaffect.studies.study.notes import notes
from fedaffect.studies.study.rows import Row

WRITTEN = "<!-- Written by `fedaffect table`: it will be written again. -->"


def as_markdown(table: ModelTable, corpus: str, rows: Sequence[Row], command: str) -> str:
    """The page of a corpus: the command, what was asked, both layouts, all that was tried, how to read it."""
    entries = table.entries[corpus]
    asked = ", ".join(f"`{part}`" for part in (table.base, *entries[0].common))
    pairs = confused(rows)
    lines = [
        *(WRITTEN, f"# {table.title}: {corpus}", "", f"    {command}", ""),
        *(f"Every row is {asked}, with the change of its chosen candidate.", ""),
        *laid_out(rows, Layout.SUMMARY).as_markdown(),
        *("", f"![Weighted F1, row by row]({file_name(table, corpus)}.svg)", ""),
        *_learning(table, corpus, rows),
        *(f"- {note}" for note in notes(entries, rows, table.pairs)),
        *_section("Recall and F1 of each class", laid_out(rows, Layout.PER_CLASS)),
        *(_section("Classes that are easily confused", pairs, _CONFUSED) if pairs else []),
        *_section(
            f"All that was tried: {count(sum(len(r.tried) for r in rows), 'candidate')}",
            tried(rows),
        ),
    ]
    return "\n".join(lines) + "\n"


_CONFUSED = (
    "`a or b`: of the utterances of either class, the share taken for the other; `a as b`: of those of `a`, "
    "the share taken for `b`. Means over seeds."
)


def file_name(table: ModelTable, corpus: str, layout: Layout = Layout.SUMMARY) -> str:
    """What the files of a corpus are called, without their suffix."""
    return f"{table.name}-{corpus}" + ("" if layout is Layout.SUMMARY else f"-{layout}")


def ensure_ours(folder: Path, table: ModelTable) -> None:
    """Nothing, where the results of a table may be written to `folder`.

    Raises:
        UserError: a page of that name is there that somebody wrote by hand.
    """
    for corpus in table.entries:
        page = folder / f"{file_name(table, corpus)}.md"
        if page.exists() and not page.read_text("utf-8").startswith(WRITTEN):
            raise UserError(
                f"{page}: not written by `fedaffect table`; rename it, or the table, or choose another "
                "--results"
            )


def write_results(
    folder: Path, table: ModelTable, tables: Mapping[str, Sequence[Row]], command: str
) -> list[Path]:
    """Write for each corpus the page, the picture and both layouts as CSV and LaTeX; the pages' paths.

    Args:
        command: what a person types to get them again.

    Raises:
        UserError: see `ensure_ours`; or they cannot be written.
    """
    from fedaffect.studies.plots.convergence import convergence
    from fedaffect.studies.plots.ranking import ranking

    ensure_ours(folder, table)
    folder.mkdir(parents=True, exist_ok=True)
    pages = []
    for corpus, rows in tables.items():
        ranking(rows).save(folder, file_name(table, corpus))
        if picture := convergence(rows):
            picture.save(folder, f"{file_name(table, corpus)}-rounds")
        for layout in Layout:
            name = file_name(table, corpus, layout)
            write_text(folder / f"{name}.csv", as_csv(rows, layout))
            write_text(folder / f"{name}.tex", f"% {command}\n" + laid_out(rows, layout).as_latex())
        page = folder / f"{file_name(table, corpus)}.md"
        write_text(page, as_markdown(table, corpus, rows, command))
        pages.append(page)
    return pages


def _learning(table: ModelTable, corpus: str, rows: Sequence[Row]) -> list[str]:
    """The picture of `plots.convergence`, where there is one to draw."""
    if not any(len(rounds) > 1 for row in rows for rounds, _ in row.dev_curves.values()):
        return []
    words = "Weighted F1 on dev by round: means in bands of ± the sample sd over seeds"
    return [f"![{words}]({file_name(table, corpus)}-rounds.svg)", "", f"{words}.", ""]


def _section(title: str, sheet: Sheet, words: str = "") -> list[str]:
    return ["", f"## {title}", "", *([words, ""] if words else []), *sheet.as_markdown()]
