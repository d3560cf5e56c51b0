"""What a person may say on the command line of a file to import: each option with its help."""

from enum import StrEnum
from typing import Annotated

import typer

RECORDINGS, TABLES, BODIES = "Recordings of body signals", "Tables of windows", "Both of these"


class Described(StrEnum):
    """How windows of recordings are described."""

    sensor = "sensor"
    wavelet = "wavelet"


class Rated(StrEnum):
    """What ratings of valence and arousal become."""

    nine = "nine"
    quadrants = "quadrants"
    valence = "valence"
    arousal = "arousal"


Family = Annotated[
    str | None,
    typer.Option(help="The layout of a feature pickle of unusual widths, e.g. sdt-iemocap."),
]
Votes = Annotated[
    bool | None,
    typer.Option("--votes", help="FER2013: labels by the votes of FER+, and the votes too."),
]
Window = Annotated[
    float | None,
    typer.Option(help="Seconds of a window, 5 to 60; default: 30.", rich_help_panel=RECORDINGS),
]
Step = Annotated[
    float | None,
    typer.Option(
        help="Seconds from one window to the next; default: no overlap.",
        rich_help_panel=RECORDINGS,
    ),
]
Baseline = Annotated[
    float | None,
    typer.Option(
        help="Minutes at a recording's beginning that features are told relative to; default: none.",
        rich_help_panel=RECORDINGS,
    ),
]
Features = Annotated[
    Described | None,
    typer.Option(
        help="Made for each sensor (default), or the wavelet set of Fed-ReMECS.",
        rich_help_panel=RECORDINGS,
    ),
]
Ratings = Annotated[
    Rated | None,
    typer.Option(
        help="DEAP, AMIGOS: what ratings of valence and arousal become; default: nine zones.",
        rich_help_panel=RECORDINGS,
    ),
]
Person = Annotated[
    str | None,
    typer.Option(
        help="The column of whose window it is; naming it makes a table one of windows.",
        rich_help_panel=TABLES,
    ),
]
Label = Annotated[
    str | None,
    typer.Option(help="The column of labels; default: label.", rich_help_panel=TABLES),
]
LeaveOut = Annotated[
    str | None,
    typer.Option(help="Columns that are no features, e.g. 'ACC_*,age'.", rich_help_panel=TABLES),
]
Classes = Annotated[
    str | None,
    typer.Option(
        help="Labels to learn, in order; windows with another are left out.",
        rich_help_panel=BODIES,
    ),
]
Dev = Annotated[
    int | None,
    typer.Option(
        min=0, help="Persons for dev, drawn with --seed; default: a fifth.", rich_help_panel=BODIES
    ),
]
Test = Annotated[
    int | None,
    typer.Option(
        min=0, help="Persons for test, drawn with --seed; default: a fifth.", rich_help_panel=BODIES
    ),
]
