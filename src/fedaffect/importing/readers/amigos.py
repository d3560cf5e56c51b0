"""AMIGOS's preprocessed files, `Data_Preprocessed_P01.mat` … (Miranda-Correa et al., IEEE TAC 2021).

`joined_data` {films} of [time, 17 channels] at 128 Hz: 14 of EEG, ECG right, ECG left, GSR (its unit is not
given). `labels_selfassessment` {films} of [1, (arousal, valence, …)]. The first 5 s of a film are what came
before it.
"""

from collections.abc import Iterator

import numpy as np

from fedaffect.corpus.formats import mat_file
from fedaffect.errors import UserError
from fedaffect.features.body import Recording, Span
from fedaffect.importing.options import Options
from fedaffect.importing.ratings import emotion
from fedaffect.importing.readers.base import RecordingReader
from fedaffect.importing.source import Source
from fedaffect.importing.streams import numbers, stream, table

RATE = 128.0
BEFORE_FILM = 5.0
CHANNELS = {"ecg": 14, "eda": 16}
DATA, RATINGS = "joined_data", "labels_selfassessment"


class Amigos(RecordingReader):
    """One recording a film that was both recorded and rated, in the file's order."""

    takes = (*RecordingReader.takes, "ratings")

    def holds(self, source: Source) -> bool:
        return source.head.startswith(mat_file.HEAD)

    def recordings(self, source: Source, options: Options) -> Iterator[Recording]:
        file = source.path
        content = mat_file.cells(file, (DATA, RATINGS))
        if len(content[DATA]) != len(content[RATINGS]):
            raise UserError(
                f"{file}: {len(content[DATA])} films in {DATA}, {len(content[RATINGS])} in {RATINGS}"
            )
        for film, (channels, rated) in enumerate(
            zip(content[DATA], content[RATINGS], strict=True), 1
        ):
            if not channels.size or not rated.size:
                continue
            rating = table(rated, f"{file}: {RATINGS}: film {film}").ravel()
            if channels.ndim != 2 or channels.shape[1] <= max(CHANNELS.values()):
                raise UserError(
                    f"{file}: {DATA}: film {film}: {list(channels.shape)}, not [time, 17]"
                )
            if len(rating) < 2:
                raise UserError(f"{file}: {RATINGS}: film {film}: {list(rated.shape)}, not [1, 12]")
            where = f"{file}: {DATA}: film {film}"
            streams = {
                s: stream(numbers(channels[:, c], where), RATE, where) for s, c in CHANNELS.items()
            }
            end = streams["eda"].end
            if np.isfinite(rating[:2]).all() and end > BEFORE_FILM:
                arousal, valence = map(float, rating[:2])
                person = file.stem.removeprefix("Data_Preprocessed_")
                span = Span(BEFORE_FILM, end, emotion(valence, arousal, options.ratings))
                yield Recording(person, f"{person} film {film}", streams, (span,), files=(file,))
