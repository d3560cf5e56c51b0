"""An ablation in one picture: what each variant changes, and how sure that is."""

from collections.abc import Sequence

from fedaffect.report.drawing import shorten
from fedaffect.report.picture import Picture
from fedaffect.report.plots.intervals import Line, intervals
from fedaffect.studies.study.rows import Row

_MARKS = {"better": "^", "worse": "v"}
"""A verdict's mark; a circle where there is no difference shown."""


def forest(rows: Sequence[Row]) -> Picture:
    """A line a variant, of its difference; 0 is the base."""
    names = ", ".join(row.row for row in rows if row.verdict == "base")
    return intervals(
        [_line(row) for row in rows if row.verdict != "base"],
        f"weighted F1 less that of the base: {shorten(names, 60)}",
        reference=0,
    )


def _line(row: Row) -> Line:
    found = row.difference
    if found is None:
        return Line(row.row, row.verdict)
    return Line(
        name=row.row,
        words=f"{found.mean:+.3f}, {row.verdict}",
        mean=found.mean,
        ends=None if found.low is None or found.high is None else (found.low, found.high),
        each=found.each,
        mark=_MARKS.get(found.verdict, "o"),
    )
