"""The figures of one run, or of its seeds, as tables."""

from fedaffect.record.summary import SCORES, Summary
from fedaffect.report.formatting import SCORE_NAMES, interval, of_summary, with_spread
from fedaffect.report.table import Column, Table


def facts(summary: Summary) -> Table:
    """What was run and what it cost."""
    known = {
        name.replace("_", " "): of_summary(name, value)
        for name, value in summary.items()
        if name not in ("run", "timing")
        and not (name.endswith("_sd") and name.removesuffix("_sd") in summary)
        and not _is_score(name)
    }
    seconds = (summary.get("timing") or {}).get("seconds")
    if seconds is not None:
        known["time"] = of_summary("seconds", seconds)
    return Table((Column("", words=True), Column("", words=True)), tuple(known.items()))


def scores(summary: Summary) -> Table:
    """Every evaluation on either split: a row each, the primary evaluation first."""
    primary = str(summary.get("evaluation"))
    suffix = "_test_weighted_f1"
    further = [name.removesuffix(suffix) for name in summary if name.endswith(suffix)]
    rows = {
        f"{mode}, {split}": split if mode == primary else f"{mode}_{split}"
        for mode in (primary, *further)
        for split in ("test", "dev")
    }
    columns = ["evaluation", *SCORE_NAMES.values(), "95 % interval", "calibration error"]
    return Table(
        tuple(Column(name, words=not place) for place, name in enumerate(columns)),
        tuple((name, *_cells(summary, prefix)) for name, prefix in rows.items()),
    )


def _cells(summary: Summary, prefix: str) -> tuple[str, ...]:
    ends = [summary.get(f"{prefix}_interval_{end}") for end in ("low", "high")]
    *found, calibration = (
        with_spread(summary.get(f"{prefix}_{name}"), summary.get(f"{prefix}_{name}_sd"))
        for name in (*SCORES, "calibration_error")
    )
    low, high = ends
    return (*found, interval(None if low is None or high is None else (low, high)), calibration)


def _is_score(name: str) -> bool:
    """Whether a figure belongs to one evaluation on one split."""
    return name.startswith(("test_", "dev_")) or "_test_" in name or "_dev_" in name
