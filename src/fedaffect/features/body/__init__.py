"""Body signals: recordings cut into windows and described by features; nobody's samples leave here."""

from fedaffect.features.body.body_corpus import body_corpus
from fedaffect.features.body.recording import Marks, Recording, Span, Stream
from fedaffect.features.body.windows import Windows, describe

__all__ = [
    "Marks",
    "Recording",
    "Span",
    "Stream",
    "Windows",
    "body_corpus",
    "describe",
]
