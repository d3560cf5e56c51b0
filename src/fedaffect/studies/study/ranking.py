"""Which row is best, and by how much the others fall short of it; never across evaluations."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fedaffect.studies.paired import paired
from fedaffect.studies.study.entries import Entry
from fedaffect.studies.study.rows import Row, read_row


def tabulate(
    entries: Sequence[Entry], pairs: Sequence[tuple[str, str]] = (), with_cost: bool = True
) -> list[Row]:
    """A row an entry of one corpus, in their order; what has not finished is there, as missing.

    Args, Raises: as `read_row`.
    """
    return compared([read_row(entry, pairs, with_cost) for entry in entries])


def compared(rows: Sequence[Row]) -> list[Row]:
    """The rows, each with its difference to the best of its evaluation, and a verdict."""
    best = best_rows(rows)
    return [_beside(row, best) for row in rows]


def best_rows(rows: Sequence[Row]) -> dict[str, Row]:
    """The row with the best mean weighted F1 in each evaluation, the first of equals."""
    found: dict[str, Row] = {}
    for row in rows:
        if row.evaluation is not None:
            before = found.setdefault(row.evaluation, row)
            if _mean(row) > _mean(before):
                found[row.evaluation] = row
    return found


def _beside(row: Row, best: Mapping[str, Row]) -> Row:
    if row.evaluation is None:
        return replace(row, verdict=_why_none(row))
    other, difference = best[row.evaluation], None
    if row is other:
        verdict = "best" if len(best) == 1 else f"best of {row.evaluation}"
    else:
        difference = paired(row.outcomes, other.outcomes)
        verdict = difference.verdict if difference else "no seed in common with the best"
    failed = f", {len(row.failed)} failed" if row.failed else ""
    return replace(row, difference=difference, verdict=verdict + failed)


def _why_none(row: Row) -> str:
    """Why a row has no figures yet."""
    if row.failed or all(trial.failed for trial in row.tried):
        return "failed"
    return "missing" if row.chosen is not None else "not chosen yet"


def _mean(row: Row) -> float:
    return row.figures["weighted_f1"] or 0.0
