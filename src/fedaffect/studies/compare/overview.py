"""Runs beside each other, by their summaries alone: one row a run."""

from collections.abc import Mapping, Sequence

from fedaffect.record.summary import Summary
from fedaffect.report.formatting import data_size, duration, figure, with_spread
from fedaffect.report.table import Column, Table

_OVER_CLIENTS = ("personal_test_weighted_f1", "client_sd", "client_worst_tenth")
_FIGURES = (
    *("algorithm", "exchange", "corpus", "partition", "evaluation", "seeds"),
    *("test_weighted_f1", "test_weighted_f1_sd", "test_macro_f1", *_OVER_CLIENTS),
    *("stability_sd_last_5", "bytes_up", "bytes_down", "seconds"),
)


def overview(summaries: Mapping[str, Summary]) -> list[Summary]:
    """A row a run, by name: `run` and the figures above; None where a run has none."""
    return [_row(name, summary) for name, summary in summaries.items()]


def as_table(rows: Sequence[Summary]) -> Table:
    """Scores first, then costs."""
    return Table.of(
        rows,
        [
            (Column("run", words=True), lambda row: row["run"]),
            (Column("algorithm", words=True), _algorithm),
            (Column("evaluation", words=True), lambda row: row["evaluation"]),
            (
                Column("weighted F1"),
                lambda row: with_spread(row["test_weighted_f1"], row["test_weighted_f1_sd"]),
            ),
            (Column("macro F1"), lambda row: figure(row["test_macro_f1"])),
            (Column("personal F1"), lambda row: figure(row["personal_test_weighted_f1"])),
            (Column("client sd"), lambda row: figure(row["client_sd"])),
            (Column("worst tenth"), lambda row: figure(row["client_worst_tenth"])),
            (Column("sd of last 5 rounds"), lambda row: figure(row["stability_sd_last_5"])),
            (Column("up"), lambda row: data_size(row["bytes_up"])),
            (Column("down"), lambda row: data_size(row["bytes_down"])),
            (Column("time"), lambda row: duration(row["seconds"])),
        ],
    )


def _algorithm(row: Summary) -> str:
    exchange = f" ({row['exchange']})" if row["exchange"] else ""
    return f"{row['algorithm']}{exchange}"


def _row(name: str, summary: Summary) -> Summary:
    personal = "test" if summary.get("evaluation") == "personal" else "personal_test"
    row = {"run": name} | {figure: summary.get(figure) for figure in _FIGURES}
    row |= {
        "seeds": summary.get("n", 1),
        "personal_test_weighted_f1": summary.get(f"{personal}_weighted_f1"),
        "seconds": summary.get("timing", {}).get("seconds"),
    }
    if (
        summary.get("clients") == 1
    ):  # it holds everybody's classes: `personal` is the whole test set
        row |= dict.fromkeys(_OVER_CLIENTS)
    return row
