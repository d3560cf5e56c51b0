"""Runs beside each other: one row a run, and a warning where figures do not compare."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions
from rich.markup import escape
from rich.table import Table

from fedaffect.record.summary import SCORES, Summary, read_summary
from fedaffect.report.formatting import NOTHING, data_size, duration, figure


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
    bytes_up: float | None
    bytes_down: float | None
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


def as_table(rows: Sequence[Row]) -> "Comparison":
    """For a terminal: one table, or two below each other where it is narrow."""
    return Comparison(tuple(rows))


@dataclass(frozen=True)
class Comparison:
    """What `as_table` gives: something that rich can print."""

    rows: tuple[Row, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        if options.max_width >= ONE_TABLE:
            yield self._table(_WORTH | _COST)
        else:
            yield self._table(_WORTH)
            yield self._table(_COST)

    def _table(self, columns: Mapping[str, Callable[[Row], str]]) -> Table:
        table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("run", overflow="fold")
        table.add_column("algorithm", overflow="fold")
        for header in columns:
            table.add_column(header, justify="left" if header == "evaluation" else "right")
        for row in self.rows:
            name = f"{row.algorithm} ({row.exchange})" if row.exchange else row.algorithm
            table.add_row(escape(row.run), escape(name), *(cell(row) for cell in columns.values()))
        return table


def scores_table(summary: Summary) -> Table:
    """Every evaluation of one run, or of its seeds: test and dev beside each other."""
    primary = str(summary.get("evaluation"))
    further = [key.removesuffix("_test_weighted_f1") for key in summary if is_score(key)
               if key.endswith("_test_weighted_f1")]  # fmt: skip
    table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("evaluation", no_wrap=True)
    table.add_column("split", no_wrap=True)
    for name in (
        "weighted\nF1",
        "macro\nF1",
        "accuracy",
        "UAR",
        "95 %\ninterval",
        "calibration\nerror",
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
    found |= {
        "run": name,
        "seeds": summary.get("n", 1),
        "personal_test_weighted_f1": summary.get(f"{personal}_weighted_f1"),
        "seconds": summary.get("timing", {}).get("seconds"),
    }
    # A single client with everybody's classes: that is the whole test set, and no spread at all.
    alone = dict.fromkeys(_OVER_CLIENTS) if summary.get("clients") == 1 else {}
    return Row(**found | alone)


def _with_spread(summary: Summary, key: str) -> str:
    spread = summary.get(f"{key}_sd")
    return figure(summary.get(key)) + ("" if spread is None else f" ± {figure(spread)}")


def _weighted_f1(row: Row) -> str:
    spread = row.test_weighted_f1_sd
    return figure(row.test_weighted_f1) + ("" if spread is None else f" ± {figure(spread)}")


def _bytes(count: float | None) -> str:
    return data_size(count) if count else NOTHING


ONE_TABLE = 124
_OVER_CLIENTS = ("personal_test_weighted_f1", "client_sd", "client_worst_tenth")
_WORTH: dict[str, Callable[[Row], str]] = {
    "evaluation": lambda row: row.evaluation,
    "weighted\nF1": _weighted_f1,
    "macro\nF1": lambda row: figure(row.test_macro_f1),
    "personal\nF1": lambda row: figure(row.personal_test_weighted_f1),
    "client\nsd": lambda row: figure(row.client_sd),
    "worst\ntenth": lambda row: figure(row.client_worst_tenth),
}
_COST: dict[str, Callable[[Row], str]] = {
    "sd of last\n5 rounds": lambda row: figure(row.stability_sd_last_5),
    "up": lambda row: _bytes(row.bytes_up),
    "down": lambda row: _bytes(row.bytes_down),
    "time": lambda row: duration(row.seconds),
}
