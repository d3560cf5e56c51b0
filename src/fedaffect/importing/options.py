"""What a reader may be told beside the path, and for what kinds of files each option is."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields
from typing import get_args

from fedaffect.errors import UserError
from fedaffect.features.body.sensors import Kind
from fedaffect.importing.ratings import Rated

RECORDINGS = {"for": "recordings of body signals"}
TABLES = {"for": "tables of windows, with --person"}
BODIES = {"for": "body signals"}


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was given beside the path; None = nothing, as it must be where a reader does not take it.

    Attributes:
        name: the corpus's name; default: as the file without its ending, or as the folder.
        modalities: which ones to keep (of recordings: sensors); default: all.
        seed: draws a dev split, or persons for dev and test, where none are published.
        family: the layout of a feature pickle of unusual widths (`families.FAMILIES`).
        votes: of FER2013 labels by the votes of FER+, and the votes beside them.
        window: seconds of a window, 5 to 60; default: 30.
        step: seconds from one window to the next; default: no overlap.
        baseline: minutes at a recording's beginning that its features are relative to; default: none.
        features: made for each sensor (default), or the wavelet set of Fed-ReMECS.
        ratings: what ratings of valence and arousal become; default: nine zones.
        person: the column of whose window it is; naming it makes a table one of windows.
        label: the column of labels; default: `label`.
        leave_out: names or patterns (`ACC_*`) of columns that are no features.
        classes: labels to learn, in order; windows with another are left out. Default: all, sorted.
        dev, test: how many persons; default: a fifth each.
    """

    name: str | None = None
    modalities: Sequence[str] | None = None
    seed: int = 0

    family: str | None = field(default=None, metadata={"for": "feature pickles"})
    votes: bool | None = field(default=None, metadata={"for": "FER2013 with the votes of FER+"})

    window: float | None = field(default=None, metadata=RECORDINGS)
    step: float | None = field(default=None, metadata=RECORDINGS)
    baseline: float | None = field(default=None, metadata=RECORDINGS)
    features: Kind | None = field(default=None, metadata=RECORDINGS)
    ratings: Rated | None = field(default=None, metadata={"for": "rated recordings: DEAP, AMIGOS"})

    person: str | None = field(default=None, metadata={"for": "tables of windows"})
    label: str | None = field(default=None, metadata=TABLES)
    leave_out: Sequence[str] | None = field(default=None, metadata=TABLES)

    classes: Sequence[str] | None = field(default=None, metadata=BODIES)
    dev: int | None = field(default=None, metadata=BODIES)
    test: int | None = field(default=None, metadata=BODIES)

    def __post_init__(self) -> None:
        for option, known in (("features", Kind), ("ratings", Rated)):
            if getattr(self, option) not in (None, *get_args(known)):
                raise UserError(f"{flag(option)}: use one of {', '.join(get_args(known))}")

    def refuse_all_but(self, takes: Collection[str], where: object) -> None:
        """Options that a reader does not take are refused rather than passed over.

        Raises:
            UserError: one that was given and is not among `takes`.
        """
        for option in fields(self):
            if (
                option.metadata
                and option.name not in takes
                and getattr(self, option.name) is not None
            ):
                raise UserError(
                    f"{where}: {flag(option.name)}: only for {option.metadata['for']}; leave it out here"
                )


def flag(option: str) -> str:
    """What an option is called on the command line."""
    return f"--{option.replace('_', '-')}"
