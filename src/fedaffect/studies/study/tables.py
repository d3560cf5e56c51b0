"""The rows of a study in words: their scores in two layouts, what is confused, and all candidates."""

from collections.abc import Callable, Collection, Sequence
from functools import partial

from fedaffect.report.formatting import (
    NOTHING,
    data_size,
    duration,
    figure,
    interval,
    of_summary,
    signed,
    with_spread,
)
from fedaffect.report.table import Column, Table
from fedaffect.studies.study import Layout, Reference
from fedaffect.studies.study.entries import Study
from fedaffect.studies.study.rows import BEST_TEST, BYTES, PERSONAL, ROUNDS, STABILITY, Row
from fedaffect.studies.study.selection import Trial

Columns = list[tuple[Column, Callable[[Row], str]]]
ROW = Column("row", words=True)


def layout_table(study: Study, rows: Sequence[Row], layout: Layout = Layout.SUMMARY) -> Table:
    """The rows in a layout."""
    if layout is Layout.PER_CLASS:
        columns = _per_class(rows)
    elif study.reference is Reference.FIRST:
        columns = _beside_the_first(study, rows)
    else:
        columns = _beside_the_best(study, rows)
    return Table.of(rows, [(ROW, lambda row: row.row), *columns])


def confusion_table(rows: Sequence[Row]) -> Table | None:
    """What share of a class is taken for another; None where the study names no pair of its classes."""
    names = next((list(row.confused) for row in rows if row.confused), [])
    cells = ((row.row, *(figure(row.confused.get(name)) for name in names)) for row in rows)
    return Table((ROW, *map(Column, names)), tuple(cells)) if names else None


def candidates_table(rows: Sequence[Row]) -> Table:
    """Every candidate of every row, with its score on dev."""
    return Table.of(
        [(row, trial) for row in rows for trial in row.tried],
        [
            (ROW, lambda pair: pair[0].row),
            (Column("candidate", words=True), lambda pair: pair[1].candidate or NOTHING),
            (Column("change", words=True), lambda pair: _change(pair[1].settings)),
            (Column("dev weighted F1"), lambda pair: figure(pair[1].score)),
            (Column("seeds"), lambda pair: _finished(pair[1].dev.values())),
            (Column("outcome", words=True), lambda pair: _outcome(*pair)),
        ],
    )


def classes_of(rows: Sequence[Row]) -> list[str]:
    """The classes of the corpus that all rows are of; none before a run has finished."""
    return next((list(row.recall) for row in rows if row.recall), [])


def _beside_the_first(study: Study, rows: Sequence[Row]) -> Columns:
    chosen: Columns = [(Column("chosen", words=True), lambda row: row.chosen or NOTHING)]
    return [
        (Column("change", words=True, page_only=True), lambda row: _change(row.settings)),
        *(chosen if any(len(row.tried) > 1 for row in rows) else ()),
        (Column("seeds"), lambda row: _finished(row.scores.values())),
        (Column("weighted F1"), partial(_mean, name="weighted_f1")),
        (Column("macro F1"), partial(_mean, name="macro_f1")),
        (Column("UAR"), partial(_mean, name="uar")),
        *_where_known(rows, PERSONAL, "personal F1", partial(_mean, name=PERSONAL)),
        (Column("sd of last 5 rounds"), lambda row: figure(row.figures[STABILITY])),
        *_asked(study),
        (Column("time"), lambda row: duration(row.figures["seconds"])),
        (Column("difference"), _difference),
        (Column("95 % interval"), _ends_of_difference),
        (
            Column("interval over", words=True),
            lambda row: (row.difference and row.difference.over) or NOTHING,
        ),
        (Column("verdict", words=True), lambda row: row.verdict),
    ]


def _beside_the_best(study: Study, rows: Sequence[Row]) -> Columns:
    cost: Columns = [
        (Column("latency, ms"), lambda row: figure(row.cost.latency_ms if row.cost else None, 1)),
        (Column("memory, MB"), lambda row: figure(row.cost.peak_mb if row.cost else None, 0)),
    ]
    return [
        (Column("tried"), lambda row: str(len(row.tried))),
        (Column("chosen", words=True), lambda row: row.chosen or NOTHING),
        (Column("seeds"), lambda row: _finished(row.scores.values())),
        (Column("weighted F1"), partial(_mean, name="weighted_f1")),
        (Column("95 % interval"), lambda row: interval(row.interval and row.interval.ends)),
        *_where_known(rows, BEST_TEST, "best test", partial(_mean, name=BEST_TEST)),
        (Column("macro F1"), partial(_mean, name="macro_f1")),
        (Column("accuracy"), partial(_mean, name="accuracy")),
        (Column("UAR"), partial(_mean, name="uar")),
        (Column("ECE"), partial(_mean, name="calibration_error")),
        (Column("dev weighted F1"), partial(_mean, name="dev_weighted_f1")),
        (Column("to the best"), _difference),
        (Column("95 % interval of that"), _ends_of_difference),
        (Column("verdict", words=True), lambda row: row.verdict),
        *_where_known(rows, PERSONAL, "personal F1", partial(_mean, name=PERSONAL)),
        *_where_known(rows, ROUNDS, "rounds to target", lambda row: figure(row.figures[ROUNDS], 1)),
        *_where_known(rows, BYTES, "bytes to target", lambda row: data_size(row.figures[BYTES])),
        *_asked(study),
        (Column("parameters"), lambda row: of_summary("parameters", row.figures["parameters"])),
        (Column("training"), lambda row: duration(row.figures["seconds"])),
        *(cost if any(row.cost for row in rows) else ()),
    ]


def _per_class(rows: Sequence[Row]) -> Columns:
    columns: Columns = []
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


def _where_known(
    rows: Sequence[Row], name: str, header: str, cell: Callable[[Row], str]
) -> Columns:
    """A column for what not every study asks for: only where a row fills it."""
    known = any(row.figures[name] is not None for row in rows)
    return [(Column(header), cell)] if known else []


def _asked(study: Study) -> Columns:
    """The columns that the study names."""
    return [(Column(n.replace("_", " ")), partial(_mean, name=n)) for n in study.columns]


def _mean(row: Row, name: str) -> str:
    mean, spread = row.figures[name], row.figures[f"{name}_sd"]
    if name.startswith("bytes"):
        return data_size(mean) + ("" if spread is None else f" ± {data_size(spread)}")
    return with_spread(mean, spread, 3 if mean is None or abs(mean) < 10 else 1)


def _difference(row: Row) -> str:
    return signed(row.difference.mean if row.difference else None)


def _ends_of_difference(row: Row) -> str:
    return interval(row.difference.ends if row.difference else None, signed)


def _finished(scores: Collection[float | None]) -> str:
    """`2/3`: of so many seeds so many have finished."""
    known = sum(score is not None for score in scores)
    return f"{known}/{len(scores)}" if scores else NOTHING


def _change(settings: Sequence[str]) -> str:
    return ", ".join(f"`{setting}`" for setting in settings) or NOTHING


def _outcome(row: Row, trial: Trial) -> str:
    if trial.candidate == row.chosen:
        return "chosen"
    if trial.failed:
        return "failed"
    return "not finished" if trial.score is None else NOTHING
