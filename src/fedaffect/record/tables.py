"""Runs beside each other: one row a run, and a warning where figures do not compare."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from fedaffect.record.summary import SCORES, Summary, read_summary
from fedaffect.record.wording import NOTHING, data_size, duration, figure


@dataclass(frozen=True)
class Row:
    """One run, or the mean of one over seeds; None where the run does not tell."""

    run: str
    algorithm: str
    exchange: str | None
    corpus: str
    partition: str
    evaluation: str
    seeds: int
    test_weighted_f1: float | None
    test_weighted_f1_sd: float | None
    test_macro_f1: float | None
    personal_test_weighted_f1: float | None
    client_sd: float | None
    client_worst_tenth: float | None
    stability_sd_last_5: float | None
    bytes_up: float
    bytes_down: float
    seconds: float | None


def comparison(folders: Iterable[Path]) -> list[Row]:
    """A row a folder, in the order given; an unfinished run has no scores.

    Raises:
        UserError: a folder that is neither a run nor the seeds of one.
    """
    return [_row(folder.resolve().name, read_summary(folder)) for folder in folders]


def cautions(rows: Sequence[Row]) -> list[str]:
    """Why some of these figures must not be compared; empty where all may be."""
    found = []
    modes = sorted({row.evaluation for row in rows})
    if len(modes) > 1:
        found.append(
            f"evaluations differ ({', '.join(modes)}): compare only within one; "
            "`personal F1` is the same evaluation in every row"
        )
    for name in ("corpus", "partition"):
        # A baseline without a partition of its own (centralised, local) still names the experiment's.
        values = sorted({str(getattr(row, name)) for row in rows})
        if len(values) > 1:
            found.append(f"{name} differs ({', '.join(values)}): these are different tasks")
    unfinished = [row.run for row in rows if row.test_weighted_f1 is None]
    if unfinished:
        found.append(f"not finished: {', '.join(unfinished)}")
    return found


def as_table(rows: Sequence[Row]) -> Table:
    """For a terminal; the best of each evaluation is bold."""
    table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("run", "algorithm", "evaluation"):
        table.add_column(name, overflow="fold")
    for name in ("weighted F1", "macro F1", "personal F1", "client sd", "worst tenth",
                 "stability", "up", "down", "time"):  # fmt: skip
        table.add_column(name, justify="right")
    best = _best_by_evaluation(rows)
    for row in rows:
        weighted = figure(row.test_weighted_f1)
        if row.test_weighted_f1_sd is not None:
            weighted += f" ± {figure(row.test_weighted_f1_sd)}"
        if row.test_weighted_f1 is not None and row.test_weighted_f1 == best.get(row.evaluation):
            weighted = f"[bold]{weighted}[/bold]"
        table.add_row(
            escape(row.run),
            escape(f"{row.algorithm} ({row.exchange})" if row.exchange else row.algorithm),
            row.evaluation,
            weighted,
            figure(row.test_macro_f1),
            figure(row.personal_test_weighted_f1),
            figure(row.client_sd),
            figure(row.client_worst_tenth),
            figure(row.stability_sd_last_5),
            data_size(row.bytes_up) if row.bytes_up else NOTHING,
            data_size(row.bytes_down) if row.bytes_down else NOTHING,
            duration(row.seconds),
        )
    return table


def scores_table(summary: Summary) -> Table:
    """Every evaluation of one run, or of its seeds: test and dev beside each other."""
    primary = str(summary.get("evaluation"))
    further = [key.removesuffix("_test_weighted_f1") for key in summary if is_score(key)
               if key.endswith("_test_weighted_f1")]  # fmt: skip
    table = Table(header_style="bold", box=SIMPLE_HEAD)
    table.add_column("evaluation", no_wrap=True)
    table.add_column("split", no_wrap=True)
    for name in (
        "weighted F1",
        "macro F1",
        "accuracy",
        "UAR",
        "95 % interval",
        "calibration error",
    ):
        table.add_column(name, justify="right")
    for mode in [primary, *further]:
        for split in ("test", "dev"):
            prefix = split if mode == primary else f"{mode}_{split}"
            ends = [summary.get(f"{prefix}_interval_{end}") for end in ("low", "high")]
            table.add_row(
                mode,
                split,
                *(_with_spread(summary, f"{prefix}_{score}") for score in SCORES),
                NOTHING if None in ends else f"{figure(ends[0])}-{figure(ends[1])}",
                _with_spread(summary, f"{prefix}_calibration_error"),
            )
    return table


def is_score(key: str) -> bool:
    """Whether a key of a summary belongs to one evaluation on one split."""
    return key.startswith(("test_", "dev_")) or "_test_" in key or "_dev_" in key


def as_csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue()


def as_json(rows: Sequence[Row]) -> str:
    return json.dumps([asdict(row) for row in rows], indent=2)


def _row(name: str, summary: Summary) -> Row:
    personal = "test" if summary.get("evaluation") == "personal" else "personal_test"
    found: dict[str, Any] = {field.name: summary.get(field.name) for field in fields(Row)}
    return Row(
        **found
        | {
            "run": name,
            "seeds": summary.get("n", 1),
            "personal_test_weighted_f1": summary.get(f"{personal}_weighted_f1"),
            "seconds": summary.get("timing", {}).get("seconds"),
        }
    )


def _with_spread(summary: Summary, key: str) -> str:
    spread = summary.get(f"{key}_sd")
    return figure(summary.get(key)) + ("" if spread is None else f" ± {figure(spread)}")


def _best_by_evaluation(rows: Sequence[Row]) -> dict[str, float]:
    best: dict[str, float] = {}
    for row in rows:
        if row.test_weighted_f1 is not None:
            best[row.evaluation] = max(row.test_weighted_f1, best.get(row.evaluation, 0.0))
    return best
