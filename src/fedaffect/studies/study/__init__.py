"""Tables of models: from a file that names rows and corpora (`plan`) over what dev chooses to pages."""

from enum import StrEnum


class Layout(StrEnum):
    """Overall scores beside what they cost, or each class's: the layout of the literature."""

    SUMMARY = "summary"
    PER_CLASS = "per-class"
