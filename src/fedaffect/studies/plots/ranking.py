"""A table of models in one picture: what each row scores, and how sure that is."""

from collections.abc import Sequence

from fedaffect.report.formatting import figure
from fedaffect.report.picture import Picture
from fedaffect.report.plots.intervals import Line, intervals
from fedaffect.studies.study.ranking import best_rows
from fedaffect.studies.study.rows import Row


def ranking(rows: Sequence[Row]) -> Picture:
    """A line a row, of its mean; where all were judged in one way, the best mean runs through them."""
    best = [row.figures["weighted_f1"] for row in best_rows(rows).values()]
    reference = best[0] if len(best) == 1 else None
    return intervals([_line(row) for row in rows], "weighted F1 on test", reference)


def _line(row: Row) -> Line:
    mean, found = row.figures["weighted_f1"], row.interval
    return Line(
        name=row.row,
        words=row.verdict if mean is None else f"{figure(mean)}, {row.verdict}",
        mean=mean,
        ends=(found.low, found.high) if found else None,
        each=[outcome.score for outcome in row.outcomes.values()],
    )
