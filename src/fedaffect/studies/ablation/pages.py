"""An ablation's table for a terminal, a page and a spreadsheet, and the files that hold them."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from fedaffect.errors import UserError
from fedaffect.record.files import write_text
from fedaffect.report.formatting import NOTHING, data_size, duration, figure, signed, with_spread
from fedaffect.studies.ablation.plan import Ablation
from fedaffect.studies.ablation.rows import PERSONAL, Row, notes

ONE_TABLE = 170
_VERDICTS = ("weighted F1", "difference", "95 % interval", "interval over", "verdict")
_IN_WORDS = ("interval over", "verdict")
WRITTEN = "<!-- Written by `fedaffect ablate`: it will be written again. -->"


def as_tables(ablation: Ablation, rows: Sequence[Row], width: int) -> list[Table]:
    """For a terminal of so many columns: one table, or where it is narrow the verdicts, then the rest."""
    columns = _columns(rows, ablation.columns)
    if width >= ONE_TABLE:
        return [_table(rows, columns)]
    verdicts = {name: columns[name] for name in _VERDICTS}
    return [
        _table(rows, verdicts),
        _table(rows, {n: c for n, c in columns.items() if n not in _VERDICTS}),
    ]


def as_markdown(ablation: Ablation, rows: Sequence[Row], command: str) -> str:
    """A page: the command, what was asked, the table, the picture, how to read it."""
    columns = _columns(rows, ablation.columns)
    asked = ", ".join(f"`{part}`" for part in (ablation.base, *ablation.settings))
    lines = [
        *(WRITTEN, f"# {ablation.title}", "", f"    {command}", ""),
        *(f"Every row is {asked}, with its change.", ""),
        _line(["row", "change", *columns]),
        _line([":---", ":---", *(":---" if name in _IN_WORDS else "---:" for name in columns)]),
    ]
    for row in rows:
        change = ", ".join(f"`{setting}`" for setting in row.settings) or NOTHING
        lines.append(_line([row.row, change, *(cell(row) for cell in columns.values())]))
    lines += ["", f"![Differences to the base, row by row]({ablation.name}.svg)", ""]
    if ablation.curve:
        lines += [f"![Weighted F1 by {ablation.curve}]({ablation.name}-curve.svg)", ""]
    lines += [f"- {note}" for note in notes(ablation, rows)]
    return "\n".join(lines) + "\n"


def as_csv(rows: Sequence[Row]) -> str:
    """Every figure of the table and of the picture."""
    text, flat = io.StringIO(), [_flat(row) for row in rows]
    writer = csv.DictWriter(text, list(flat[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()


def as_json(tables: Mapping[str, Sequence[Row]]) -> str:
    """The rows of several ablations, by name."""
    return json.dumps({name: [asdict(r) for r in rows] for name, rows in tables.items()}, indent=2)


def ensure_ours(folder: Path, ablation: Ablation) -> None:
    """Nothing, where the results of an ablation may be written to `folder`.

    Raises:
        UserError: a page of that name is there that somebody wrote by hand.
    """
    page = folder / f"{ablation.name}.md"
    if page.exists() and not page.read_text("utf-8").startswith(WRITTEN):
        raise UserError(
            f"{page}: not written by `fedaffect ablate`; rename it, or the ablation, or choose "
            "another --results"
        )


def write_results(folder: Path, ablation: Ablation, rows: Sequence[Row], command: str) -> Path:
    """Write `NAME.md`, `.csv`, `.svg` and `.png` into `folder`, `NAME-curve` too; the page's path.

    Args:
        command: what a person types to get them again.

    Raises:
        UserError: see `ensure_ours`; or they cannot be written.
    """
    from fedaffect.studies.plots.forest_plot import forest
    from fedaffect.studies.plots.sweep import sweep

    ensure_ours(folder, ablation)
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{ablation.name}.md"
    forest(rows).save(folder, ablation.name)
    if ablation.curve:
        sweep(rows, ablation.curve).save(folder, f"{ablation.name}-curve")
    write_text(page.with_suffix(".csv"), as_csv(rows))
    write_text(page, as_markdown(ablation, rows, command))
    return page


def _table(rows: Sequence[Row], columns: Mapping[str, Callable[[Row], str]]) -> Table:
    table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("row", overflow="fold")
    for header in columns:
        table.add_column(header, justify="left" if header in _IN_WORDS else "right")
    for row in rows:
        table.add_row(escape(row.row), *(cell(row) for cell in columns.values()))
    return table


def _columns(rows: Sequence[Row], asked: Sequence[str] = ()) -> dict[str, Callable[[Row], str]]:
    """The columns but the first, by header; the personal score only where a row has one."""
    columns: dict[str, Callable[[Row], str]] = {
        "seeds": lambda row: f"{row.finished}/{len(row.scores)}",
        "weighted F1": lambda row: _mean(row, "weighted_f1"),
        "macro F1": lambda row: _mean(row, "macro_f1"),
        "UAR": lambda row: _mean(row, "uar"),
        "personal F1": lambda row: _mean(row, PERSONAL),
        "sd of last 5 rounds": lambda row: figure(row.measures["stability_sd_last_5"]),
        **{name.replace("_", " "): partial(_mean, name=name) for name in asked},
        "time": lambda row: duration(row.measures["seconds"]),
        "difference": lambda row: signed(row.difference.mean if row.difference else None),
        "95 % interval": _interval,
        "interval over": lambda row: (row.difference and row.difference.over) or NOTHING,
        "verdict": lambda row: row.verdict,
    }
    if all(row.measures[PERSONAL] is None for row in rows):
        del columns["personal F1"]
    return columns


def _mean(row: Row, name: str) -> str:
    mean, spread = row.measures[name], row.measures[f"{name}_sd"]
    if name.startswith("bytes"):
        return data_size(mean) + ("" if spread is None else f" ± {data_size(spread)}")
    digits = 3 if mean is None or abs(mean) < 10 else 1
    return with_spread(mean, spread, digits)


def _interval(row: Row) -> str:
    if row.difference is None or row.difference.low is None:
        return NOTHING
    return f"{signed(row.difference.low)} to {signed(row.difference.high)}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _flat(row: Row) -> dict[str, Any]:
    difference = row.difference
    return {
        "row": row.row,
        "settings": " ".join(row.settings),
        "finished": row.finished,
        "evaluation": row.evaluation,
        **row.measures,
        "difference": difference.mean if difference else None,
        "difference_low": difference.low if difference else None,
        "difference_high": difference.high if difference else None,
        "interval_over": difference.over if difference else None,
        "verdict": row.verdict,
        **{f"weighted_f1_seed_{seed}": score for seed, score in row.scores.items()},
        "runs": row.runs,
    }
