"""Studies: from a file that names rows (`plan`) over what dev chooses (`selection`) to pages.

An ablation is a study on one corpus, without candidates, whose rows are compared with the first.
"""

from enum import StrEnum


class Layout(StrEnum):
    """Overall scores beside what they cost, or each class's: the layout of the literature."""

    SUMMARY = "summary"
    PER_CLASS = "per-class"


class Reference(StrEnum):
    """What rows are compared with, within one evaluation: the first of them, or the best."""

    FIRST = "first"
    BEST = "best"
