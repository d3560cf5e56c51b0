"""A comparison as one page that opens from disk."""

from collections.abc import Sequence
from pathlib import Path

from fedaffect.record.files import write_text
from fedaffect.report.html import render
from fedaffect.report.plots.curves import dev_curves
from fedaffect.studies.compare import tables
from fedaffect.studies.compare.comparison import Comparison, by_mode
from fedaffect.studies.compare.runs import Side
from fedaffect.studies.plots.gains import gains

PICTURED = 4
"""So many runs have their clients drawn in each evaluation; tables have all."""


def page(told: Comparison, sides: Sequence[Side]) -> str:
    """The HTML."""
    curves = {
        mode: dev_curves(
            mode,
            {side.name: side.dev_curve(mode) for side in judged},
            [side.name for side in sides],
        )
        for mode, judged in by_mode(sides).items()
    }
    drawn = {
        mode.name: [gains(mode.name, run) for run in mode.clients if run.pairs][:PICTURED]
        for mode in told.modes
    }
    return render(
        "compare.html.j2",
        title=" · ".join(told.runs),
        told=told,
        tables=tables,
        curves=curves,
        gains=drawn,
        pairings=sorted({side.history.corpus["pairing"] for side in sides} - {"recorded"}),
    )


def write_page(path: Path, told: Comparison, sides: Sequence[Side]) -> None:
    """Write the page to `path`.

    Raises:
        UserError: it cannot be written.
    """
    write_text(path, page(told, sides))
