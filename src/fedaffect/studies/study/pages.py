"""A study as files: a page, its figures and pictures, and the table of a paper, for each corpus."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fedaffect.errors import UserError
from fedaffect.record.files import write_text
from fedaffect.report.formatting import count
from fedaffect.report.table import Table
from fedaffect.studies.study import Layout, Reference
from fedaffect.studies.study.data_files import as_csv
from fedaffect.studies.study.entries import Study
from fedaffect.studies.study.notes import notes
from fedaffect.studies.study.rows import Row
from fedaffect.studies.study.tables import candidates_table, confusion_table, layout_table

if TYPE_CHECKING:
    from fedaffect.report.picture import Picture

_WRITTEN = "<!-- Written by `fedaffect {}`: it will be written again. -->"
WRITTEN = _WRITTEN.format("study")
OURS = tuple(_WRITTEN.format(command) for command in ("study", "ablate", "table"))
_CONFUSED = (
    "`a or b`: of the utterances of either class, the share taken for the other; `a as b`: of those of `a`, "
    "the share taken for `b`. Means over seeds."
)


def as_markdown(study: Study, corpus: str, rows: Sequence[Row], command: str) -> str:
    """The page of a corpus: the command, what rows have in common, the rows, pictures, notes, details."""
    common = ", ".join(f"`{part}`" for part in (study.base, *study.entries[corpus][0].common))
    best, tried = study.reference is Reference.BEST, sum(len(row.tried) for row in rows)
    chosen, confused = best or tried > len(rows), confusion_table(rows)
    change = "the change of its chosen candidate" if chosen else "its change"
    lines = [
        *(WRITTEN, f"# {study.heading(corpus)}", "", f"    {command}", ""),
        *(f"Every row is {common}, with {change}.", ""),
        *layout_table(study, rows).as_markdown(),
        "",
    ]
    for name, words, _ in _pictures(study, corpus, rows):
        lines += [f"![{words}]({name}.svg)", ""]
    lines += [f"- {note}" for note in notes(study, corpus, rows)]
    if best:
        by_class = layout_table(study, rows, Layout.PER_CLASS)
        lines += _section("Recall and F1 of each class", by_class)
    if confused:
        lines += _section("Classes that are easily confused", confused, _CONFUSED)
    if chosen:
        title = f"All that was tried: {count(tried, 'candidate')}"
        lines += _section(title, candidates_table(rows))
    return "\n".join(lines) + "\n"


def ensure_ours(folder: Path, study: Study) -> None:
    """Nothing, where the results of a study may be written to `folder`.

    Raises:
        UserError: a page of that name is there that somebody wrote by hand.
    """
    for corpus in study.entries:
        page = folder / f"{study.file_name(corpus)}.md"
        if page.exists() and not page.read_text("utf-8").startswith(OURS):
            raise UserError(
                f"{page}: not written by `fedaffect study`; rename it, or the study, or choose another "
                "--results"
            )


def write_results(
    folder: Path, study: Study, tables: Mapping[str, Sequence[Row]], command: str
) -> list[Path]:
    """Write for each corpus the page, its pictures and its rows as CSV; the pages' paths.

    Where rows are compared with the best, both layouts are written, in LaTeX too.

    Args:
        command: what a person types to get them again.

    Raises:
        UserError: see `ensure_ours`; or they cannot be written.
    """
    ensure_ours(folder, study)
    folder.mkdir(parents=True, exist_ok=True)
    pages = []
    for corpus, rows in tables.items():
        for name, _, picture in _pictures(study, corpus, rows):
            picture.save(folder, name)
        best = study.reference is Reference.BEST
        for layout in Layout if best else [Layout.SUMMARY]:
            name = study.file_name(corpus, layout)
            write_text(folder / f"{name}.csv", as_csv(study, rows, layout))
            if best:
                table = layout_table(study, rows, layout)
                write_text(folder / f"{name}.tex", f"% {command}\n" + table.as_latex())
        page = folder / f"{study.file_name(corpus)}.md"
        write_text(page, as_markdown(study, corpus, rows, command))
        pages.append(page)
    return pages


def _pictures(
    study: Study, corpus: str, rows: Sequence[Row]
) -> Iterator[tuple[str, str, "Picture"]]:
    """What each is called, what it shows, and the picture itself."""
    from fedaffect.studies.plots import row_intervals
    from fedaffect.studies.plots.convergence import convergence
    from fedaffect.studies.plots.sweep import sweep

    name = study.file_name(corpus)
    if study.reference is Reference.FIRST:
        yield name, "Differences to the base, row by row", row_intervals.differences(rows)
    else:
        yield name, "Weighted F1, row by row", row_intervals.scores(rows)
        if curves := convergence(rows):
            yield f"{name}-rounds", "Weighted F1 on dev by round", curves
    if study.curve:
        yield f"{name}-curve", f"Weighted F1 by {study.curve}", sweep(rows, study.curve)


def _section(title: str, table: Table, words: str = "") -> list[str]:
    return ["", f"## {title}", "", *([words, ""] if words else []), *table.as_markdown()]
