"""A comparison as tables of words, the same on a terminal and on a page."""

from collections.abc import Callable, Sequence

from fedaffect.record.summary import SCORES
from fedaffect.report.formatting import (
    NOTHING,
    SCORE_NAMES,
    figure,
    interval,
    of_summary,
    plain,
    signed,
    with_spread,
)
from fedaffect.report.table import Column, Table
from fedaffect.studies.compare.comparison import Comparison, Mode, Scored
from fedaffect.studies.compare.per_client import ALL, Gains
from fedaffect.studies.paired import CLIENTS, MEANING

_FACTS = {
    "seconds": "time",
    "passes": "passes over the data",
    "bytes_up": "up",
    "bytes_down": "down",
    "stability_sd_last_5": "sd of last 5 rounds",
    "stability_largest_drop": "largest drop",
    "stability_rounds_to_within_1_point": "rounds to within 1 point",
}


def facts(comparison: Comparison) -> Table:
    """What was run, what it cost, how calmly it rose: a column a run."""
    names = dict.fromkeys(name for known in comparison.facts.values() for name in known)
    rows = (
        (_FACTS.get(n, n), *(of_summary(n, comparison.facts[run][n]) for run in comparison.runs))
        for n in names
    )
    known = tuple(row for row in rows if any(cell != NOTHING for cell in row[1:]))
    return Table(_heads("", comparison.runs), known)


def settings(comparison: Comparison) -> Table:
    """The settings that differ: a column a run."""
    rows = ((name, *map(plain, values)) for name, values in comparison.settings.items())
    names = ("setting", *comparison.runs)
    return Table(tuple(Column(name, words=True) for name in names), tuple(rows))


def scores(mode: Mode) -> Table:
    """Test scores of one evaluation (ECE: expected calibration error), weighted F1 on dev: a row a run."""
    return Table.of(
        mode.scored,
        [
            (Column("run", words=True), lambda run: run.run),
            *((Column(SCORE_NAMES[name]), _score(name)) for name in SCORES),
            (Column("95 % interval"), lambda run: interval(run.interval)),
            (Column("ECE"), lambda run: figure(run.test["calibration_error"])),
            (Column("on dev"), lambda run: figure(run.dev_weighted_f1)),
        ],
    )


def differences(mode: Mode) -> Table:
    """Weighted F1 less that of the first run: a row for each of the others."""
    base = mode.scored[0].run
    return Table.of(
        mode.scored[1:],
        [
            (Column("run", words=True), lambda run: run.run),
            (Column(f"weighted F1 less {base}"), lambda run: _differing(run)[0]),
            (Column("95 % interval"), lambda run: _differing(run)[1]),
            (Column("over", words=True), lambda run: _differing(run)[2]),
            (Column("verdict", words=True), lambda run: run.verdict),
        ],
    )


def classes(mode: Mode) -> Table:
    """F1 by class, each with its difference to the first run: a column a run."""
    names = dict.fromkeys(name for run in mode.scored for name in run.class_f1)
    rows = ((name, *(_class(run, name) for run in mode.scored)) for name in names)
    return Table(_heads("F1 by class", [run.run for run in mode.scored]), tuple(rows))


def clients(mode: Mode) -> Table:
    """What clients gain over the first run: a row for each of the others and each group of clients."""
    groups = [(run.run, group) for run in mode.clients for group in run.groups]
    columns: list[tuple[str, Callable[[Gains], str]]] = [
        ("gained / lost", lambda group: f"{group.gained} / {group.lost} of {group.pairs}"),
        ("volume", lambda group: f"{group.volume:.0f}"),
        ("mean", lambda group: signed(group.mean)),
        ("95 % interval", lambda group: interval(group.ends, signed)),
        ("quartiles", lambda group: " ".join(map(signed, group.quartiles or ()))),
        ("worst", lambda group: signed(group.worst)),
    ]
    return Table(
        _heads(f"gain over {mode.scored[0].run}", [name for name, _ in columns]),
        tuple(
            (
                run if group.group == ALL else f"… {group.group}",
                *(cell(group) for _, cell in columns),
            )
            for run, group in groups
        ),
    )


def unpaired(mode: Mode) -> list[str]:
    """Why clients of a run are compared with nobody."""
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


def _heads(first: str, others: Sequence[str]) -> tuple[Column, ...]:
    return (Column(first, words=True), *map(Column, others))


def _score(name: str) -> Callable[[Scored], str]:
    return lambda run: with_spread(run.test[name], run.test[f"{name}_sd"])


def _differing(run: Scored) -> tuple[str, str, str]:
    found = run.difference
    if found is None:
        return NOTHING, NOTHING, NOTHING
    return signed(found.mean), interval(found.ends, signed), found.over or NOTHING


def _class(run: Scored, name: str) -> str:
    change = run.class_differences.get(name)
    return figure(run.class_f1.get(name)) + ("" if change is None else f" ({signed(change)})")
