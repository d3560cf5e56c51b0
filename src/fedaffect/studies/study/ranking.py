"""Compare each row with its reference row (first or best), within the same evaluation only."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fedaffect.studies.paired import paired
from fedaffect.studies.study import Reference
from fedaffect.studies.study.entries import Study
from fedaffect.studies.study.rows import Row, read_row


def tabulate(study: Study, corpus: str = "", with_cost: bool = True) -> list[Row]:
    """A row an entry of a corpus, in their order; what has not finished is there, as missing.

    Args, Raises: as `read_row`.
    """
    rows = [read_row(study, entry, with_cost) for entry in study.entries[corpus]]
    best = study.reference is Reference.BEST
    references = best_rows(rows) if best else first_rows(rows)
    return [_compared(row, references, rows[0], best) for row in rows]


def best_rows(rows: Sequence[Row]) -> dict[str, Row]:
    """The row with the best mean weighted F1 in each evaluation, the first of equals."""
    found: dict[str, Row] = {}
    for row in rows:
        if row.evaluation is not None:
            before = found.setdefault(row.evaluation, row)
            if _mean(row) > _mean(before):
                found[row.evaluation] = row
    return found


def first_rows(rows: Sequence[Row]) -> dict[str, Row]:
    """The first row in each evaluation; none before the first of all has finished a run."""
    if rows[0].evaluation is None:
        return {}
    found: dict[str, Row] = {}
    for row in rows:
        if row.evaluation is not None:
            found.setdefault(row.evaluation, row)
    return found


def _compared(row: Row, references: Mapping[str, Row], first: Row, best: bool) -> Row:
    """A row with its difference and its verdict."""
    if row.evaluation is None:
        return replace(row, verdict=_why_none(row))
    other, difference = references.get(row.evaluation, first), None
    if row is other:
        verdict = "base"
        if best:
            verdict = "best" if len(references) == 1 else f"best of {row.evaluation}"
    elif not row.outcomes.keys() & other.outcomes.keys():
        verdict = f"no seed in common with the {'best' if best else 'base'}"
    elif row.corpus != other.corpus:
        verdict = "not comparable: another corpus"
    else:
        difference = paired(row.outcomes, other.outcomes)
        verdict = difference.verdict if difference else ""
    failed = f", {len(row.failed)} failed" if row.failed else ""
    return replace(row, difference=difference, verdict=verdict + failed)


def _why_none(row: Row) -> str:
    """Why a row has no figures yet."""
    if row.failed or all(trial.failed for trial in row.tried):
        return "failed"
    return "missing" if row.chosen is not None else "not chosen yet"


def _mean(row: Row) -> float:
    return row.figures["weighted_f1"] or 0.0
