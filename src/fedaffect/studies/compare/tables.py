"""A comparison as tables of words, the same for a terminal and for a page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from fedaffect.record.summary import SCORES
from fedaffect.report.formatting import NOTHING, data_size, duration, figure
from fedaffect.studies.compare.comparison import Comparison, Mode, Scored
from fedaffect.studies.compare.per_client import ALL, Gains
from fedaffect.studies.paired import CLIENTS, MEANING

WHOLE = 32
"""Names up to this length are never broken."""
_NAMES = {
    "weighted_f1": "weighted F1",
    "macro_f1": "macro F1",
    "accuracy": "accuracy",
    "uar": "UAR",
    "seconds": "time",
    "passes": "passes over the data",
    "bytes_up": "up",
    "bytes_down": "down",
    "stability_sd_last_5": "sd of last 5 rounds",
    "stability_largest_drop": "largest drop",
    "stability_rounds_to_within_1_point": "rounds to within 1 point",
}


@dataclass(frozen=True)
class Sheet:
    """A table: a first column of names, then cells."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_table(self) -> Table:
        """For a terminal."""
        table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        short = max((len(row[0]) for row in self.rows), default=0) <= WHOLE
        table.add_column(escape(self.header[0]), overflow="fold", no_wrap=short)
        for name in self.header[1:]:
            table.add_column(escape(name), justify="right", overflow="fold")
        for row in self.rows:
            table.add_row(*map(escape, row))
        return table


def facts(told: Comparison) -> Sheet:
    """What was run, what it cost, how calmly it rose: a column a run."""
    names = dict.fromkeys(name for table in told.facts.values() for name in table)
    rows = (
        (_NAMES.get(name, name), *(_fact(name, told.facts[run][name]) for run in told.runs))
        for name in names
    )
    known = tuple(row for row in rows if any(cell != NOTHING for cell in row[1:]))
    return Sheet(("", *told.runs), known)


def settings(told: Comparison) -> Sheet:
    """The settings that differ: a column a run."""
    return Sheet(
        ("setting", *told.runs),
        tuple((name, *map(_setting, values)) for name, values in told.settings.items()),
    )


def scores(mode: Mode) -> Sheet:
    """Test scores of one evaluation (ECE: expected calibration error), weighted F1 on dev: a row a run."""
    columns: Mapping[str, Callable[[Scored], str]] = {
        **{_NAMES[name]: _score(name) for name in SCORES},
        "95 % interval": lambda run: _ends(run.interval),
        "ECE": lambda run: figure(run.test["calibration_error"]),
        "on dev": lambda run: figure(run.dev_weighted_f1),
    }
    rows = ((run.run, *(cell(run) for cell in columns.values())) for run in mode.scored)
    return Sheet(("run", *columns), tuple(rows))


def differences(mode: Mode) -> Sheet:
    """Weighted F1 less that of the first run: a row for each of the others."""
    header = ("run", f"weighted F1 less {mode.scored[0].run}", "95 % interval", "over", "verdict")
    return Sheet(header, tuple(_difference(run) for run in mode.scored[1:]))


def classes(mode: Mode) -> Sheet:
    """F1 by class, each with its difference to the first run: a column a run."""
    names = dict.fromkeys(name for run in mode.scored for name in run.class_f1)
    rows = ((name, *(_class(run, name) for run in mode.scored)) for name in names)
    return Sheet(("F1 by class", *(run.run for run in mode.scored)), tuple(rows))


def clients(mode: Mode) -> Sheet:
    """What clients gain over the first run: a row for each of the others and each group of clients."""
    figures = ("gained / lost", "volume", "mean", "95 % interval", "quartiles", "worst")
    rows = (
        (run.run if group.group == ALL else f"… {group.group}", *_gains(group))
        for run in mode.clients
        for group in run.groups
    )
    return Sheet((f"gain over {mode.scored[0].run}", *figures), tuple(rows))


def unpaired(mode: Mode) -> list[str]:
    """Why clients of a run stand beside nobody."""
    return [
        f"{run.run}: clients of seed {', '.join(map(str, run.unpaired))} hold other shares than those of "
        f"{run.base}, so they are not paired"
        for run in mode.clients
        if run.unpaired
    ]


def meanings(modes: Sequence[Mode]) -> list[str]:
    """How the intervals that occur are to be read."""
    occur = {run.difference.over for mode in modes for run in mode.scored if run.difference}
    occur |= {CLIENTS for mode in modes for run in mode.clients if run.pairs}
    return [MEANING[over] for over in MEANING if over in occur]


def _fact(name: str, value: Any) -> str:
    if value is None:
        return NOTHING
    if name.startswith("bytes_"):
        return data_size(value) if value else NOTHING
    if name == "seconds":
        return duration(value)
    if name == "seeds":
        return ", ".join(map(str, value))
    if name == "parameters":
        return f"{value:,}"
    if name in ("passes", "rounds", "stability_rounds_to_within_1_point"):
        return f"{value:.3g}"
    return figure(value) if isinstance(value, float) else str(value)


def _setting(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value)) or NOTHING
    return NOTHING if value is None else str(value)


def _score(name: str) -> Callable[[Scored], str]:
    def cell(run: Scored) -> str:
        spread = run.test[f"{name}_sd"]
        return figure(run.test[name]) + ("" if spread is None else f" ± {figure(spread)}")

    return cell


def _difference(run: Scored) -> tuple[str, ...]:
    found = run.difference
    if found is None:
        return run.run, NOTHING, NOTHING, NOTHING, run.verdict
    ends = None if found.low is None or found.high is None else (found.low, found.high)
    return run.run, f"{found.mean:+.3f}", _ends(ends, "+.3f"), found.over or NOTHING, run.verdict


def _gains(group: Gains) -> tuple[str, ...]:
    ends = None if group.low is None or group.high is None else (group.low, group.high)
    return (
        f"{group.gained} / {group.lost} of {group.pairs}",
        f"{group.volume:.0f}",
        f"{group.mean:+.3f}",
        _ends(ends, "+.3f"),
        " ".join(f"{gain:+.3f}" for gain in group.quartiles or ()),
        f"{group.worst:+.3f}",
    )


def _class(run: Scored, name: str) -> str:
    change = run.class_differences.get(name)
    return figure(run.class_f1.get(name)) + ("" if change is None else f" ({change:+.3f})")


def _ends(ends: tuple[float, float] | None, form: str = ".3f") -> str:
    return f"{ends[0]:{form}} to {ends[1]:{form}}" if ends else NOTHING
