"""DEAP's preprocessed files, `s01.dat` … (Koelstra et al., IEEE TAC 2012): 40 films that one person rated.

A dictionary `data` [films, 40 channels, 8064 samples at 128 Hz] and `labels` [films, (valence, arousal, …)].
Of the 63 s of a film the first 3 are what came before it.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from fedaffect.errors import UserError
from fedaffect.features.body import Recording, Span
from fedaffect.importing.options import Options
from fedaffect.importing.ratings import emotion
from fedaffect.importing.readers.base import RecordingReader
from fedaffect.importing.source import Source
from fedaffect.importing.streams import numbers, stream, table

RATE = 128.0
BEFORE_FILM = 3.0
CHANNELS = {"eda": 36, "respiration": 37, "pulse": 38, "temperature": 39}
NANOSIEMENS = 1e-3
"""DEAP's site gives skin conductance in nS. Which unit the second laboratory's files (s23 to s32) came to be
in it does not say; so no unit is claimed."""

MAXIMUM_FILMS = 1000
FIELDS = ("data", "labels")


class Deap(RecordingReader):
    """One recording a film, in the file's order, which is that of films, not of time."""

    takes = (*RecordingReader.takes, "ratings")

    def holds(self, source: Source) -> bool:
        return source.first_key in FIELDS

    def recordings(self, source: Source, options: Options) -> Iterator[Recording]:
        file, content = source.path, source.content
        if not (isinstance(content, Mapping) and {*FIELDS} <= {*content}):
            raise UserError(
                f"{file}: no dictionary of data and labels; give DEAP's own (docs/signals.md)"
            )
        data, labels = (table(content[field], f"{file}: {field}") for field in ("data", "labels"))
        if data.ndim != 3 or data.shape[1] <= max(CHANNELS.values()) or len(data) > MAXIMUM_FILMS:
            raise UserError(f"{file}: data: {list(data.shape)} instead of [films, 40, samples]")
        if labels.ndim != 2 or labels.shape[1] < 2:
            raise UserError(f"{file}: labels: {list(labels.shape)} instead of [films, 4] ratings")
        if len(labels) != len(data) or not np.isfinite(labels[:, :2]).all():
            raise UserError(f"{file}: labels: not two ratings for each of {len(data)} films")
        for film, (channels, rating) in enumerate(zip(data, labels, strict=True), 1):
            streams = {}
            for sensor, channel in CHANNELS.items():
                where = f"{file}: data: film {film}: channel {channel + 1}"
                samples = numbers(channels[channel], where)
                streams[sensor] = stream(
                    samples * (NANOSIEMENS if sensor == "eda" else 1), RATE, where
                )
            end = streams["eda"].end
            if end <= BEFORE_FILM:
                raise UserError(
                    f"{file}: data: {end:g} s a film, of which {BEFORE_FILM:g} come before it"
                )
            span = Span(
                BEFORE_FILM, end, emotion(float(rating[0]), float(rating[1]), options.ratings)
            )
            yield Recording(file.stem, f"{file.stem} film {film}", streams, (span,), files=(file,))
