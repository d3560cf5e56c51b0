"""Hard conditions: faces and body signals as a car spoils them, in severities 1 to 5."""

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
