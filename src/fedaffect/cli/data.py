"""`fedaffect data`: bring a corpus in, look at it, check it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fedaffect.cli import import_options

if TYPE_CHECKING:
    from fedaffect.corpus import ConversationCorpus
    from fedaffect.corpus.check import Problem

app = typer.Typer(help="Bring corpora in, describe and check them.", no_args_is_help=True)
BAR = 24

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


class NonFinite(StrEnum):
    refuse = "refuse"
    drop = "drop"


@app.command("import", cls=import_options.NamesReaders)
def import_corpus(
    file: Annotated[
        Path,
        typer.Argument(
            help="An .npz of the neutral layout, a feature pickle, a manifest (CSV, JSONL, Parquet), "
            "FER2013, the folder of a corpus of several files, as of images; recordings of body "
            "signals (WESAD, Empatica E4, DEAP, AMIGOS), or a table of windows of them."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="Folder to make, or a corpus to replace; it never holds a pickle."
        ),
    ],
    modalities: Annotated[
        str | None, typer.Option(help="Which ones to keep, e.g. text,audio or eda; default: all.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The corpus's name; default: the file's.")
    ] = None,
    non_finite: Annotated[
        NonFinite,
        typer.Option(help="Vectors with NaN or Inf: refuse the file, or drop them as absent."),
    ] = NonFinite.refuse,
    family: import_options.Family = None,
    votes: import_options.Votes = None,
    reader: import_options.Reader = None,
    seed: Annotated[
        int, typer.Option(help="Draws a dev split for a corpus without a published one.")
    ] = 0,
    window: import_options.Window = None,
    step: import_options.Step = None,
    baseline: import_options.Baseline = None,
    features: import_options.Features = None,
    ratings: import_options.Ratings = None,
    person: import_options.Person = None,
    label: import_options.Label = None,
    leave_out: import_options.LeaveOut = None,
    classes: import_options.Classes = None,
    dev: import_options.Dev = None,
    test: import_options.Test = None,
    as_json: AsJson = False,
) -> None:
    """Convert a corpus file, once, into a folder that is safe to read."""
    from fedaffect import importing

    options = importing.Options(
        name=name,
        modalities=_listed(modalities),
        seed=seed,
        family=family,
        votes=votes,
        window=window,
        step=step,
        baseline=baseline,
        features=features.value if features else None,
        ratings=ratings.value if ratings else None,
        person=person,
        label=label,
        leave_out=_listed(leave_out),
        classes=_listed(classes),
        dev=dev,
        test=test,
    )
    made = importing.import_corpus(
        file, out, options, reader=reader, non_finite=non_finite.value, progress=_progress
    )
    if as_json:
        table = _described(made.corpus) | {"folder": str(out), "dropped": made.dropped}
        typer.echo(json.dumps(table | {"warnings": [asdict(p) for p in made.warnings]}, indent=1))
        return
    typer.echo(f"{out}: {_size(made.corpus)}")
    typer.echo(f"read as {made.corpus.provenance.reader}")
    for modality, count in made.dropped.items():
        typer.echo(f"dropped {count} vectors of {modality} with NaN or Inf: marked absent")
    _print_problems(made.warnings)


@app.command()
def describe(
    folder: Annotated[Path, typer.Argument(help="Folder of an imported corpus.")],
    as_json: AsJson = False,
) -> None:
    """Show splits, classes, modalities, people and provenance of a corpus."""
    from fedaffect.corpus import store

    corpus = store.load(folder)
    if as_json:
        typer.echo(json.dumps(_described(corpus), indent=1))
    else:
        _print_description(corpus)


@app.command()
def check(
    path: Annotated[Path, typer.Argument(help="An imported corpus, or a file to import.")],
    family: import_options.Family = None,
    person: import_options.Person = None,
    label: import_options.Label = None,
    leave_out: import_options.LeaveOut = None,
    reader: import_options.Reader = None,
    as_json: AsJson = False,
) -> None:
    """List all that is wrong with a corpus; exit code 2 where something makes it unusable."""
    from fedaffect import importing
    from fedaffect.corpus import store
    from fedaffect.corpus.check import problems

    options = importing.Options(
        family=family, person=person, label=label, leave_out=_listed(leave_out)
    )
    if (path / store.INDEX).exists():
        corpus = store.load(path, check=False)
    else:
        corpus = importing.read(path, options, reader=reader)
    found = problems(corpus)
    if as_json:
        typer.echo(json.dumps([asdict(problem) for problem in found], indent=1))
    else:
        _print_problems(found)
        if not found:
            typer.echo(f"{path}: nothing wrong")
    if any(problem.severity == "error" for problem in found):
        raise typer.Exit(2)


@app.command()
def halve(
    folder: Annotated[Path, typer.Argument(help="Folder of an imported corpus.")],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for `first` and `second`, which it may have.")
    ],
    seed: Annotated[int, typer.Option(min=0, help="Deals out the training part.")] = 0,
) -> None:
    """Part the training data in two that share nothing: to train a backbone on, and for clients."""
    from fedaffect.corpus import store
    from fedaffect.corpus.subsets import halves

    corpus = store.load(folder)
    dealt = dict(zip(("first", "second"), halves(corpus, seed), strict=True))
    for name, half in dealt.items():
        store.save(half, out / name)
        typer.echo(f"{out / name}: {int(half.items_in('train').sum())} training utterances")
    held = sum(int(half.items_in("train").sum()) for half in dealt.values())
    typer.echo(
        f"{int(corpus.items_in('train').sum()) - held} left out, for they have a copy in the first"
    )


def _listed(text: str | None) -> tuple[str, ...] | None:
    """`a, b` → (a, b)."""
    return None if text is None else tuple(part.strip() for part in text.split(","))


def _progress(files: Sequence[Path]) -> Iterable[Path]:
    """On a terminal it shows how many recordings have been read."""
    from rich.console import Console
    from rich.progress import track

    terminal = Console(stderr=True)
    quiet = not terminal.is_terminal
    return track(files, "reading", console=terminal, disable=quiet, transient=True)


def _described(corpus: "ConversationCorpus") -> dict[str, Any]:
    from fedaffect.corpus.describe import describe

    return asdict(describe(corpus))


def _size(corpus: "ConversationCorpus") -> str:
    """How much there is, in the words of what it is."""
    if len(corpus) == len(corpus.conversations):
        return f"{len(corpus)} items, each by itself"
    return f"{len(corpus)} utterances in {len(corpus.conversations)} conversations"


def _print_problems(found: "list[Problem]") -> None:
    for problem in found:
        typer.echo(f"{problem.severity}: {problem}")


def _print_description(corpus: "ConversationCorpus") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from fedaffect.corpus.describe import describe
    from fedaffect.report.formatting import count

    console = Console()
    seen = describe(corpus)
    shortest, median, longest = seen.lengths
    console.print(
        f"[bold]{escape(seen.name)}[/]", "[yellow]synthetic[/]" * corpus.provenance.synthetic
    )
    turns = f" of {shortest} to {longest} turns (median {median:g})" if longest > 1 else ""
    who = f"{count(seen.persons, 'person')}, {count(seen.roles, 'role')}"
    console.print(f"{_size(corpus)}{turns}, {who}")

    labels = Table("class", title="Labels")
    for split in seen.splits:
        labels.add_column(split, justify="right")
    labels.add_column("of train")
    parts, train = seen.splits.values(), seen.splits["train"].labels
    for index, label in enumerate(seen.classes):
        counts = [str(part.labels[index]) for part in parts]
        bar = "█" * round(BAR * train[index] / max(*train, 1))
        last = index == len(seen.classes) - 1
        labels.add_row(escape(label), *counts, bar, end_section=last)
    for field in ("unlabelled", "utterances", "conversations", "persons"):
        labels.add_row(f"[dim]{field}[/]", *(str(getattr(part, field)) for part in parts), "")
    console.print(labels)

    streams = Table("modality", "shape", "dtype", "present", title="Modalities")
    for modality, stream in seen.modalities.items():
        shape = " × ".join(map(str, stream.shape))
        streams.add_row(escape(modality), shape, stream.dtype, f"{stream.present:.1%}")
    console.print(streams)

    origin = Table("", "", title="Provenance", show_header=False)
    for key, value in seen.provenance.items():
        origin.add_row(key, escape(str(value)))
    console.print(origin)
