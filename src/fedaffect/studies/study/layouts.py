"""The rows of a table in words: two layouts of their scores, what is confused, and all that was tried."""

from collections.abc import Callable, Sequence
from functools import partial

from fedaffect.report.formatting import NOTHING, data_size, duration, figure, signed, with_spread
from fedaffect.report.table import Column, Sheet
from fedaffect.studies.paired import Difference, Interval
from fedaffect.studies.study import Layout
from fedaffect.studies.study.rows import BEST_TEST, BYTES, PERSONAL, ROUNDS, Row
from fedaffect.studies.study.selection import Trial

Cell = Callable[[Row], str]
ROW = Column("row", words=True)


def laid_out(rows: Sequence[Row], layout: Layout) -> Sheet:
    """The rows in a layout."""
    columns = _summary(rows) if layout is Layout.SUMMARY else _per_class(rows)
    cells = ((row.row, *(cell(row) for _, cell in columns)) for row in rows)
    return Sheet((ROW, *(column for column, _ in columns)), tuple(cells))


def confused(rows: Sequence[Row]) -> Sheet | None:
    """What share of a class is taken for another; None where no pair of classes was asked about."""
    names = next((list(row.confused) for row in rows if row.confused), [])
    cells = ((row.row, *(figure(row.confused.get(name)) for name in names)) for row in rows)
    return Sheet((ROW, *map(Column, names)), tuple(cells)) if names else None


def tried(rows: Sequence[Row]) -> Sheet:
    """Every candidate of every row, with what dev says of it."""
    columns = (
        *(ROW, Column("candidate", words=True), Column("change", words=True)),
        *(Column("dev weighted F1"), Column("seeds"), Column("outcome", words=True)),
    )
    return Sheet(columns, tuple(_trial(row, trial) for row in rows for trial in row.tried))


def classes_of(rows: Sequence[Row]) -> list[str]:
    """The classes of the corpus that all rows are of; none before a run has finished."""
    return next((list(row.recall) for row in rows if row.recall), [])


def _summary(rows: Sequence[Row]) -> list[tuple[Column, Cell]]:
    """What not every table is asked for has a column only where a row fills it."""

    def told(name: str, header: str, cell: Cell) -> list[tuple[Column, Cell]]:
        known = any(row.figures[name] is not None for row in rows)
        return [(Column(header), cell)] if known else []

    cost = (
        (Column("latency, ms"), lambda row: figure(row.cost and row.cost.latency_ms, 1)),
        (Column("memory, MB"), lambda row: figure(row.cost and row.cost.peak_mb, 0)),
    )
    return [
        (Column("tried"), lambda row: str(len(row.tried))),
        (Column("chosen", words=True), lambda row: row.chosen or NOTHING),
        (Column("seeds"), _seeds),
        (Column("weighted F1"), partial(_mean, name="weighted_f1")),
        (Column("95 % interval"), lambda row: _ends(row.interval, figure)),
        *told(BEST_TEST, "best test", partial(_mean, name=BEST_TEST)),
        (Column("macro F1"), partial(_mean, name="macro_f1")),
        (Column("accuracy"), partial(_mean, name="accuracy")),
        (Column("UAR"), partial(_mean, name="uar")),
        (Column("ECE"), partial(_mean, name="calibration_error")),
        (Column("dev weighted F1"), partial(_mean, name="dev_weighted_f1")),
        (Column("to the best"), lambda row: signed(row.difference and row.difference.mean)),
        (Column("95 % interval of that"), lambda row: _ends(row.difference, signed)),
        (Column("verdict", words=True), lambda row: row.verdict),
        *told(PERSONAL, "personal F1", partial(_mean, name=PERSONAL)),
        *told(ROUNDS, "rounds to target", lambda row: figure(row.figures[ROUNDS], 1)),
        *told(BYTES, "bytes to target", lambda row: data_size(row.figures[BYTES])),
        (Column("parameters"), _parameters),
        (Column("training"), lambda row: duration(row.figures["seconds"])),
        *(cost if any(row.cost for row in rows) else ()),
    ]


def _per_class(rows: Sequence[Row]) -> list[tuple[Column, Cell]]:
    columns: list[tuple[Column, Cell]] = []
    for name in classes_of(rows):
        columns += [
            (Column("recall", group=name), partial(_of_class, score="recall", name=name)),
            (Column("F1", group=name), partial(_of_class, score="f1", name=name)),
        ]
    return [
        *columns,
        (Column("accuracy"), lambda row: figure(row.figures["accuracy"])),
        (Column("weighted F1"), lambda row: figure(row.figures["weighted_f1"])),
    ]


def _of_class(row: Row, score: str, name: str) -> str:
    by_class = row.recall if score == "recall" else row.f1
    return figure(by_class.get(name))


def _seeds(row: Row) -> str:
    return f"{len(row.outcomes)}/{len(row.scores)}" if row.scores else NOTHING


def _mean(row: Row, name: str) -> str:
    return with_spread(row.figures[name], row.figures[f"{name}_sd"])


def _ends(found: Interval | Difference | None, form: Callable[[float | None], str]) -> str:
    if found is None or found.low is None:
        return NOTHING
    return f"{form(found.low)} to {form(found.high)}"


def _parameters(row: Row) -> str:
    number = row.figures["parameters"]
    return NOTHING if number is None else f"{number:,.0f}"


def _trial(row: Row, trial: Trial) -> tuple[str, ...]:
    known = [score for score in trial.dev.values() if score is not None]
    if trial.candidate == row.chosen:
        outcome = "chosen"
    elif trial.failed:
        outcome = "failed"
    else:
        outcome = "not finished" if trial.score is None else NOTHING
    change = ", ".join(f"`{setting}`" for setting in trial.settings)
    return (
        *(row.row, trial.candidate or NOTHING, change or NOTHING, figure(trial.score)),
        *(f"{len(known)}/{len(trial.dev)}", outcome),
    )
