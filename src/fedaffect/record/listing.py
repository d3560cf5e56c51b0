"""Which runs lie in a folder, and in what state."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fedaffect.errors import UserError
from fedaffect.federation.events import EVENTS
from fedaffect.record.summary import read_summary, seed_folders

State = Literal["finished", "unfinished", "unreadable"]


@dataclass(frozen=True)
class Listed:
    """A run as a list shows it; `seeds` is 0 for a plain run, `trouble` says why one is unreadable."""

    run: str
    state: State
    seeds: int = 0
    algorithm: str | None = None
    corpus: str | None = None
    evaluation: str | None = None
    test_weighted_f1: float | None = None
    rounds: float | None = None
    trouble: str | None = None


def listing(folder: Path) -> list[Listed]:
    """Every run under `folder`, by name; one that cannot be read is listed as such.

    Raises:
        UserError: no such folder.
    """
    if not folder.is_dir():
        raise UserError(
            f"{folder}: no such folder; `fedaffect run` makes runs, --folder names another"
        )
    found = [p for p in sorted(folder.iterdir()) if (p / EVENTS).is_file() or seed_folders(p)]
    return [_listed(path) for path in found]


def sparkline(values: list[float]) -> str:
    """[0.1, 0.4, 0.5] → `▁▆█`: a curve in a line of text, from its least to its greatest value."""
    blocks = "▁▂▃▄▅▆▇█"
    if not values:
        return ""
    low, span = min(values), (max(values) - min(values)) or 1.0
    return "".join(blocks[round((value - low) / span * (len(blocks) - 1))] for value in values)


def _listed(path: Path) -> Listed:
    seeds = len(seed_folders(path))
    try:
        summary = read_summary(path)
    except UserError as error:
        return Listed(path.name, "unreadable", seeds, trouble=str(error))
    return Listed(
        run=path.name,
        state="finished" if summary["finished"] else "unfinished",
        seeds=seeds,
        **{
            name: summary.get(name)
            for name in ("algorithm", "corpus", "evaluation", "test_weighted_f1", "rounds")
        },
    )
