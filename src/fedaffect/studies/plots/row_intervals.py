"""The rows of a study in one picture: what each scores or changes, and how sure that is."""

from collections.abc import Sequence

from fedaffect.report.drawing import shorten
from fedaffect.report.formatting import figure, signed
from fedaffect.report.picture import Picture
from fedaffect.report.plots.intervals import Line, intervals
from fedaffect.studies.study.ranking import best_rows
from fedaffect.studies.study.rows import Row

_MARKS = {"better": "^", "worse": "v"}
"""A verdict's mark; a circle where there is no difference shown."""


def differences(rows: Sequence[Row]) -> Picture:
    """A line a row, of its difference; 0 is the base."""
    names = ", ".join(row.row for row in rows if row.verdict == "base")
    return intervals(
        [_difference(row) for row in rows if row.verdict != "base"],
        f"weighted F1 less that of the base: {shorten(names, 60)}",
        reference=0,
    )


def scores(rows: Sequence[Row]) -> Picture:
    """A line a row, of its mean; where all have one evaluation, the best mean runs through them."""
    best = [row.figures["weighted_f1"] for row in best_rows(rows).values()]
    reference = best[0] if len(best) == 1 else None
    return intervals([_score(row) for row in rows], "weighted F1 on test", reference)


def _difference(row: Row) -> Line:
    found = row.difference
    if found is None:
        return Line(row.row, row.verdict)
    words, mark = f"{signed(found.mean)}, {row.verdict}", _MARKS.get(found.verdict, "o")
    return Line(row.row, words, found.mean, found.ends, found.each, mark)


def _score(row: Row) -> Line:
    mean = row.figures["weighted_f1"]
    if mean is None:
        return Line(row.row, row.verdict)
    ends, each = row.interval and row.interval.ends, [o.score for o in row.outcomes.values()]
    return Line(row.row, f"{figure(mean)}, {row.verdict}", mean, ends or None, each)
