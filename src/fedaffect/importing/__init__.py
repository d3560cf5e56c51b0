"""Corpora and recordings in the formats of the field: readers, a file each, and what they are asked with."""

from fedaffect.corpus.formats.assemble import assemble
from fedaffect.corpus.formats.origin import origin
from fedaffect.importing.options import Options
from fedaffect.importing.readers.base import Reader, RecordingReader
from fedaffect.importing.readers.manifest import utterances
from fedaffect.importing.reading import Imported, import_corpus, read, recordings
from fedaffect.importing.source import Source

__all__ = [
    "Imported",
    "Options",
    "Reader",
    "RecordingReader",
    "Source",
    "assemble",
    "import_corpus",
    "origin",
    "read",
    "recordings",
    "utterances",
]
