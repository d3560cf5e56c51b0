"""`metrics.csv`: one row a round, for whoever plots elsewhere."""

from pathlib import Path

from fedaffect.federation.events import Event
from fedaffect.record.csv_rows import csv_rows
from fedaffect.record.files import write_text
from fedaffect.record.history import History, quartiles
from fedaffect.record.summary import SCORES

FILE = "metrics.csv"
Row = dict[str, object]


def metrics(history: History) -> list[Row]:
    """A row a round: loss, dev scores by mode, client quartiles, measures, bytes, seconds."""
    measures = sorted({name for event in history.rounds for name in event.get("measures") or {}})
    return [_row(event, history.start["evaluations"], measures) for event in history.rounds]


def write_metrics(folder: Path) -> Path:
    """Write `metrics.csv` into a run's folder; cells without a value stay empty."""
    path = folder / FILE
    write_text(path, csv_rows(metrics(History.read(folder))))
    return path


def _row(event: Event, modes: list[str], measures: list[str]) -> Row:
    row: Row = {name: event.get(name) for name in ("round", "updates", "loss", "score")}
    for mode in modes:
        scores = (event.get("dev") or {}).get(mode, {})
        row |= {f"{mode}_dev_{name}": scores.get(name) for name in SCORES}
    spread = quartiles(event.get("client_dev") or []) or (None, None, None)
    row |= dict(zip(("client_q1", "client_median", "client_q3"), spread, strict=True))
    row |= {name: (event.get("measures") or {}).get(name) for name in measures}
    row |= {name: event.get(name) for name in ("bytes_up", "bytes_down", "seconds")}
    return row
