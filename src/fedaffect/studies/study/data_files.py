"""The rows of a table in unrounded figures, for whoever computes with them: CSV and JSON."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from fedaffect.studies.study import Layout
from fedaffect.studies.study.layouts import classes_of
from fedaffect.studies.study.rows import NOT_ALWAYS, Row


def as_csv(rows: Sequence[Row], layout: Layout) -> str:
    """A line a row, with the figures of a layout."""
    if layout is Layout.SUMMARY:
        flat = [_summary(row) for row in rows]
    else:
        flat = [_by_class(row, classes_of(rows)) for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(
        text, list(dict.fromkeys(key for row in flat for key in row)), lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()


def as_json(tables: Mapping[str, Sequence[Row]]) -> str:
    """The rows by corpus: all that the layouts and the sheets below them tell."""
    told = {corpus: [_whole(row) for row in rows] for corpus, rows in tables.items()}
    return json.dumps(told, indent=2)


def _whole(row: Row) -> dict[str, Any]:
    named = {
        "tried": [{**asdict(trial), "dev_weighted_f1": trial.score} for trial in row.tried],
        "recall": dict(row.recall),
        "f1": dict(row.f1),
        "confused": dict(row.confused),
        "failed": dict(row.failed),
    }
    return {**_summary(row), **named}


def _summary(row: Row) -> dict[str, Any]:
    difference, interval, cost = row.difference, row.interval, row.cost
    figures = {
        k: v for k, v in row.figures.items() if v is not None or not k.startswith(NOT_ALWAYS)
    }
    return {
        "row": row.row,
        "tried": len(row.tried),
        "chosen": row.chosen,
        "seeds": len(row.outcomes),
        "evaluation": row.evaluation,
        **figures,
        "interval_low": interval and interval.low,
        "interval_high": interval and interval.high,
        "interval_over": interval and interval.over,
        "difference": difference and difference.mean,
        "difference_low": difference and difference.low,
        "difference_high": difference and difference.high,
        "difference_over": difference and difference.over,
        "verdict": row.verdict,
        "latency_ms": cost and cost.latency_ms,
        "peak_mb": cost and cost.peak_mb,
        "runs": row.runs,
        **{f"weighted_f1_seed_{seed}": score for seed, score in row.scores.items()},
    }


def _by_class(row: Row, classes: Sequence[str]) -> dict[str, Any]:
    by_class = {
        f"{score} of {name}": table.get(name)
        for name in classes
        for score, table in (("recall", row.recall), ("F1", row.f1))
    }
    figures = {name: row.figures[name] for name in ("accuracy", "weighted_f1")}
    return {"row": row.row, "seeds": len(row.outcomes), **by_class, **figures}
