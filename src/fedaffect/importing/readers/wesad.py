"""WESAD's pickle of one subject, `S2.pkl` … (Schmidt et al., ICMI 2018).

A dictionary `subject`, `label`, `signal` with `chest` (700 Hz) and `wrist` (an Empatica E4), synchronised.
The E4's own tables beside it have no labels, and their clock is not the labels' clock.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np

from fedaffect.errors import UserError
from fedaffect.features.body import Recording, Span
from fedaffect.features.body.recording import Samples
from fedaffect.importing.options import Options
from fedaffect.importing.readers.base import RecordingReader
from fedaffect.importing.source import Source
from fedaffect.importing.streams import magnitude, numbers, stream

CHEST_RATE = 700.0
LABELS: dict[float, str] = {1: "baseline", 2: "stress", 3: "amusement", 4: "meditation"}
"""Others (0 between conditions; 5, 6, 7 unused) are no label."""

SENSORS = {
    "ecg": ("chest", "ECG", CHEST_RATE, "mV"),
    "eda": ("wrist", "EDA", 4.0, "µS"),
    "motion": ("wrist", "ACC", 32.0, "g"),
    "pulse": ("wrist", "BVP", 64.0, ""),
    "respiration": ("chest", "Resp", CHEST_RATE, "%"),
    "temperature": ("wrist", "TEMP", 4.0, "°C"),
}
"""Where each is, its rate and unit. Not read: the chest's ACC, EDA, EMG and Temp."""

FIELDS = ("subject", "signal", "label")


class Wesad(RecordingReader):
    """The subject's streams; `spans` are the study's conditions."""

    def holds(self, source: Source) -> bool:
        return source.first_key in FIELDS

    def recordings(self, source: Source, options: Options) -> Iterator[Recording]:
        file, content = source.path, source.content
        if not (isinstance(content, Mapping) and {*FIELDS} <= {*content}):
            raise UserError(
                f"{file}: no dictionary of subject, signal and label; give WESAD's own (docs/signals.md)"
            )
        person, signal = content["subject"], content["signal"]
        if not isinstance(person, str) or not isinstance(signal, Mapping):
            raise UserError(f"{file}: subject, signal: not a name and a dictionary of devices")
        streams = {}
        for sensor, (device, field, rate, unit) in SENSORS.items():
            values = signal[device].get(field) if isinstance(signal.get(device), Mapping) else None
            if values is not None:
                where = f"{file}: signal: {device}: {field}"
                samples = magnitude(values, where) if sensor == "motion" else numbers(values, where)
                streams[sensor] = stream(samples, rate, where, unit=unit)
        if not streams:
            raise UserError(f"{file}: signal: none of {', '.join(SENSORS)}; fetch the file again")
        spans = tuple(_spans(numbers(content["label"], f"{file}: label")))
        yield Recording(person, person, streams, spans, files=(file,))


def _spans(label: Samples) -> Iterator[Span]:
    """Runs of one condition."""
    edges = [0, *(np.flatnonzero(label[1:] != label[:-1]) + 1).tolist(), len(label)]
    for start, end in pairwise(edges):
        name = LABELS.get(float(label[start]))
        if name is not None:
            yield Span(start / CHEST_RATE, end / CHEST_RATE, name)
