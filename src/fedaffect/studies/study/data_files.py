"""The rows of a study in unrounded figures, for whoever computes with them: CSV and JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from fedaffect.record.csv_rows import csv_rows
from fedaffect.studies.study import Layout, Reference
from fedaffect.studies.study.entries import Study
from fedaffect.studies.study.rows import (
    BEST_TEST,
    BYTES,
    FIGURES,
    PERSONAL,
    ROUNDS,
    STABILITY,
    Row,
)
from fedaffect.studies.study.tables import classes_of

_WHERE_KNOWN = (BEST_TEST, PERSONAL, ROUNDS, BYTES)
"""Figures that are left out where a run has none."""
_BESIDE_THE_BEST = [name for name in FIGURES if name != STABILITY]
_BESIDE_THE_FIRST = ["weighted_f1", "macro_f1", "uar", PERSONAL, STABILITY]


def as_csv(study: Study, rows: Sequence[Row], layout: Layout = Layout.SUMMARY) -> str:
    """A line a row, with the figures of a layout."""
    if layout is Layout.PER_CLASS:
        return csv_rows([_by_class(row, classes_of(rows)) for row in rows])
    if study.reference is Reference.FIRST:
        return csv_rows([_beside_the_first(study, row) for row in rows])
    return csv_rows([_beside_the_best(study, row) for row in rows])


def as_data(study: Study, row: Row) -> dict[str, Any]:
    """All figures of a row, as JSON takes them."""
    if study.reference is Reference.FIRST:
        return {
            "row": row.row,
            "settings": row.settings,
            "evaluation": row.evaluation,
            "scores": dict(row.scores),
            "measures": _figures(row, [*_BESIDE_THE_FIRST, *study.columns]),
            "difference": asdict(row.difference) if row.difference else None,
            "verdict": row.verdict,
            "runs": row.runs,
            "failed": dict(row.failed),
        }
    return {
        **_beside_the_best(study, row),
        "tried": [{**asdict(trial), "dev_weighted_f1": trial.score} for trial in row.tried],
        "recall": dict(row.recall),
        "f1": dict(row.f1),
        "confused": dict(row.confused),
        "failed": dict(row.failed),
    }


def _beside_the_first(study: Study, row: Row) -> dict[str, Any]:
    return {
        "row": row.row,
        "settings": " ".join(row.settings),
        "finished": len(row.outcomes),
        "evaluation": row.evaluation,
        **_figures(row, [*_BESIDE_THE_FIRST, *study.columns]),
        **_difference(row, "interval_over"),
        "verdict": row.verdict,
        **_by_seed(row),
        "runs": row.runs,
    }


def _beside_the_best(study: Study, row: Row) -> dict[str, Any]:
    figures = _figures(row, [*_BESIDE_THE_BEST, *study.columns])
    interval, cost = row.interval, row.cost
    return {
        "row": row.row,
        "tried": len(row.tried),
        "chosen": row.chosen,
        "seeds": len(row.outcomes),
        "evaluation": row.evaluation,
        **{k: v for k, v in figures.items() if v is not None or not k.startswith(_WHERE_KNOWN)},
        "interval_low": interval and interval.low,
        "interval_high": interval and interval.high,
        "interval_over": interval and interval.over,
        **_difference(row, "difference_over"),
        "verdict": row.verdict,
        "latency_ms": cost and cost.latency_ms,
        "peak_mb": cost and cost.peak_mb,
        "runs": row.runs,
        **_by_seed(row),
    }


def _by_class(row: Row, classes: Sequence[str]) -> dict[str, Any]:
    by_class = {
        f"{score} of {name}": table.get(name)
        for name in classes
        for score, table in (("recall", row.recall), ("F1", row.f1))
    }
    figures = {name: row.figures[name] for name in ("accuracy", "weighted_f1")}
    return {"row": row.row, "seeds": len(row.outcomes), **by_class, **figures}


def _figures(row: Row, names: Iterable[str]) -> dict[str, float | None]:
    means = {f"{name}{of}": row.figures[f"{name}{of}"] for name in names for of in ("", "_sd")}
    return {**means, "seconds": row.figures["seconds"]}


def _difference(row: Row, over: str) -> dict[str, Any]:
    found = row.difference
    return {
        "difference": found and found.mean,
        "difference_low": found and found.low,
        "difference_high": found and found.high,
        over: found and found.over,
    }


def _by_seed(row: Row) -> dict[str, float | None]:
    return {f"weighted_f1_seed_{seed}": score for seed, score in row.scores.items()}
