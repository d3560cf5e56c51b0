"""The export of an Empatica E4: a folder, or a zip, with a table a sensor.

A table is a line of Unix time, a line of Hz, then the samples. `IBI.csv` holds beats (seconds since its own
beginning, seconds since the beat before), `tags.csv` the Unix times at which the button was pressed. An E4
knows no labels: a table `labels.csv` beside them may give some, `start,end,label`, in seconds from the
recording's beginning or in Unix time.
"""

import csv
import io
import math
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fedaffect.errors import UserError
from fedaffect.features.body import Marks, Recording, Span, Stream
from fedaffect.importing.options import Options
from fedaffect.importing.readers.base import RecordingReader
from fedaffect.importing.source import Source
from fedaffect.importing.streams import magnitude, numbers, stream

TABLES = {"eda": "EDA.csv", "motion": "ACC.csv", "pulse": "BVP.csv", "temperature": "TEMP.csv"}
"""Not read: HR.csv, which Empatica computes from BVP.csv afterwards."""

UNITS = {"eda": "µS", "motion": "g", "pulse": "", "temperature": "°C"}
BEATS, TAGS, LABELS = "IBI.csv", "tags.csv", "labels.csv"
MAXIMUM_BYTES = 2**29
UNIX_TIME = 1e9
"""From here on a time is one since 1970."""


class E4(RecordingReader):
    """The recording of one export; the person is called as the folder or the zip, without `_E4_Data`.

    It begins with the first sample of any sensor. Empty tables are taken for missing ones. `marks` are `beat`
    (with the seconds since the one before) and `tag`.
    """

    def holds(self, source: Source) -> bool:
        if source.is_folder:
            return any((source.path / table).is_file() for table in TABLES.values())
        return not source.members.isdisjoint(TABLES.values())

    def recordings(self, source: Source, options: Options) -> Iterator[Recording]:
        place = source.path
        files = (*TABLES.values(), BEATS, TAGS, LABELS)
        content = {name: text for name in files if (text := _content(place, name).strip())}
        tables = {s: _table(place, t, content[t]) for s, t in TABLES.items() if t in content}
        if not tables:
            raise UserError(f"{place}: none of {', '.join(TABLES.values())}; give an E4's export")
        zero = min(table[0, 0] for table in tables.values())
        streams = {sensor: _stream(place, sensor, table, zero) for sensor, table in tables.items()}
        marks = {}
        if BEATS in content:
            first, _, rest = content[BEATS].partition(b"\n")
            begin = _numbers(place, BEATS, first.partition(b",")[0])[0, 0] - zero
            beats = _numbers(place, BEATS, rest, columns=2) if rest.strip() else np.zeros((0, 2))
            marks["beat"] = Marks(begin + beats[:, 0], beats[:, 1])
        if TAGS in content:
            marks["tag"] = Marks(_numbers(place, TAGS, content[TAGS])[:, 0] - zero)
        spans = tuple(_labels(place, content[LABELS], zero)) if LABELS in content else ()
        name = place.name.removesuffix(".zip")
        read_from = tuple(place / n for n in content) if place.is_dir() else (place,)
        yield Recording(name.removesuffix("_E4_Data"), name, streams, spans, marks, read_from)


def _content(place: Path, name: str) -> bytes:
    """A table of a folder or zip; empty where there is none."""
    try:
        if place.is_dir():
            file = place / name
            size = file.stat().st_size if file.is_file() else 0
            _ensure_small(place, name, size)
            return file.read_bytes() if size else b""
        with zipfile.ZipFile(place) as archive:
            if name not in archive.namelist():
                return b""
            _ensure_small(place, name, archive.getinfo(name).file_size)
            return archive.read(name)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise UserError(
            f"{place}: {name}: truncated or damaged zip ({type(error).__name__}); fetch it again"
        ) from None


def _ensure_small(place: Path, name: str, size: int) -> None:
    if size > MAXIMUM_BYTES:
        raise UserError(
            f"{place}: {name}: {size} bytes; at most {MAXIMUM_BYTES} are read; split the recording"
        )


def _numbers(
    place: Path, name: str, text: bytes, columns: int | None = None
) -> npt.NDArray[np.float64]:
    """A table of numbers with commas between them: [rows, columns]."""
    try:
        table = np.loadtxt(io.BytesIO(text), delimiter=",", ndmin=2)
    except (ValueError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0][:120]
        raise UserError(
            f"{place}: {name}: no table of numbers ({reason}); mend or fetch it"
        ) from None
    if columns is not None and table.shape[1] != columns:
        raise UserError(f"{place}: {name}: {table.shape[1]} columns instead of {columns}")
    return table


def _table(place: Path, name: str, text: bytes) -> npt.NDArray[np.float64]:
    """A sensor's table, its first row the time, its second the rate."""
    table = _numbers(place, name, text)
    if len(table) < 3 or not 0 <= table[0, 0] < 100 * UNIX_TIME:
        raise UserError(f"{place}: {name}: not a line of Unix time, a line of Hz, and samples")
    return table


def _stream(place: Path, sensor: str, table: npt.NDArray[np.float64], zero: np.float64) -> Stream:
    where = f"{place}: {TABLES[sensor]}"
    samples = (magnitude if sensor == "motion" else numbers)(table[2:], where)
    return stream(samples, float(table[1, 0]), where, float(table[0, 0] - zero), UNITS[sensor])


def _labels(place: Path, text: bytes, zero: float) -> Iterator[Span]:
    """Spans of `labels.csv`, in order of time."""
    where = f"{place}: {LABELS}"
    try:
        rows = [*csv.reader(io.StringIO(text.decode("utf-8-sig")), strict=True)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{where}: no CSV in UTF-8 ({type(error).__name__}); save it so") from None
    if [cell.strip() for cell in rows[0]] != ["start", "end", "label"]:
        raise UserError(f"{where}: line 1 is not `start,end,label`; name the columns so")
    spans = []
    for number, row in enumerate(rows[1:], 2):
        try:
            first, last, label = row
            times = [float(first), float(last)]
        except ValueError:
            times = [math.nan]
        if not all(map(math.isfinite, times)) or not label.strip():
            raise UserError(f"{where}: line {number}: not two times and a label; mend it")
        start, end = (time - zero if time >= UNIX_TIME else time for time in times)
        spans.append(Span(start, end, label.strip()))
    return iter(sorted(spans, key=lambda span: span.start))
