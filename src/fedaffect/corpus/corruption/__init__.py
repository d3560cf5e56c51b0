"""Corruptions of faces and body signals as they occur in a car, with severities 1 to 5."""

from fedaffect.corpus.corruption.corrupt import augmented, corrupt, corrupted, lost
from fedaffect.corpus.corruption.table import CORRUPTIONS, SEVERITIES, Corruption

__all__ = [
    "CORRUPTIONS",
    "SEVERITIES",
    "Corruption",
    "augmented",
    "corrupt",
    "corrupted",
    "lost",
]
