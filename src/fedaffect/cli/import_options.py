"""What may be said of a file to import on the command line: each option with its help."""

from enum import StrEnum
from functools import partial
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

recordings = partial(typer.Option, rich_help_panel="Recordings of body signals")
tables = partial(typer.Option, rich_help_panel="Tables of windows")
both = partial(typer.Option, rich_help_panel="Both of these")


class Described(StrEnum):
    sensor = "sensor"
    wavelet = "wavelet"


class Rated(StrEnum):
    nine = "nine"
    quadrants = "quadrants"
    valence = "valence"
    arousal = "arousal"


class NamesReaders(TyperCommand):
    """A command whose help ends with the readers' names, which are looked for only then."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from fedaffect.registry import names

        self.epilog = f"Readers: {', '.join(names('reader'))}."
        super().format_help(ctx, formatter)


Reader = Annotated[
    str | None,
    typer.Option(
        help="A reader's name, or package.module:Class of your own; default: the one that recognises it."
    ),
]
Family = Annotated[
    str | None,
    typer.Option(help="The layout of a feature pickle of unusual widths, e.g. sdt-iemocap."),
]
Votes = Annotated[
    bool | None,
    typer.Option("--votes", help="FER2013: labels by the votes of FER+, and the votes too."),
]
Window = Annotated[float | None, recordings(help="Seconds of a window, 5 to 60; default: 30.")]
Step = Annotated[
    float | None, recordings(help="Seconds from one window to the next; default: no overlap.")
]
Baseline = Annotated[
    float | None,
    recordings(help="Minutes at the beginning that features are relative to; default: none."),
]
Features = Annotated[
    Described | None,
    recordings(help="Made for each sensor (default), or the wavelet set of Fed-ReMECS."),
]
Ratings = Annotated[
    Rated | None,
    recordings(help="DEAP, AMIGOS: what valence and arousal become; default: nine zones."),
]
Person = Annotated[
    str | None,
    tables(help="The column of whose window it is; naming it makes a table one of windows."),
]
Label = Annotated[str | None, tables(help="The column of labels; default: label.")]
LeaveOut = Annotated[str | None, tables(help="Columns that are no features, e.g. 'ACC_*,age'.")]
Classes = Annotated[
    str | None, both(help="Labels to learn, in order; windows with another are left out.")
]
Dev = Annotated[
    int | None, both(min=0, help="Persons for dev, drawn with --seed; default: a fifth.")
]
Test = Annotated[
    int | None, both(min=0, help="Persons for test, drawn with --seed; default: a fifth.")
]
