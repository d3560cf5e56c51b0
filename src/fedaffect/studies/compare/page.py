"""A comparison as one page that opens from disk."""

from collections.abc import Sequence

from fedaffect.report.html import render
from fedaffect.report.plots.curves import dev_curves
from fedaffect.studies.compare import tables
from fedaffect.studies.compare.comparison import Comparison, by_mode
from fedaffect.studies.compare.runs import ComparedRun
from fedaffect.studies.plots.gains import gains

PICTURED = 4
"""So many runs have their clients drawn in each evaluation; tables have all."""


def page(comparison: Comparison, runs: Sequence[ComparedRun]) -> str:
    """The HTML."""
    curves = {
        mode: dev_curves(
            mode,
            {run.name: run.dev_curve(mode) for run in evaluated},
            [run.name for run in runs],
        )
        for mode, evaluated in by_mode(runs).items()
    }
    drawn = {
        mode.name: [gains(mode.name, run) for run in mode.clients if run.pairs][:PICTURED]
        for mode in comparison.modes
    }
    return render(
        "compare.html.j2",
        title=" · ".join(comparison.runs),
        comparison=comparison,
        tables=tables,
        curves=curves,
        gains=drawn,
        pairings=sorted({run.history.corpus["pairing"] for run in runs} - {"recorded"}),
    )
