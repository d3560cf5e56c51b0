"""`fedaffect run`, `demo` and `predict`."""

import csv
import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from fedaffect.cli.progress import RunProgress
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment, presets

DEMO = ("local", "fedavg", "fedproto", "fedmpd", "centralised")

Out = Annotated[
    Path | None, typer.Option("--out", help="Folder of the run.", show_default="runs/NAME")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="section.name=value; may be repeated.")
]


def run(
    experiment: Annotated[
        str, typer.Argument(help=f"A TOML file or a preset: {', '.join(presets())}.")
    ],
    data: Annotated[
        str | None, typer.Option("--data", help="Folder of an imported corpus, or `synthetic`.")
    ] = None,
    settings: Settings = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="The (first) seed.")] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How many seeds to run.")] = 1,
    device: Annotated[str | None, typer.Option("--device", help="cpu or cuda.")] = None,
    out: Out = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run begun before.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train an experiment and write its record: summary, events, model and a report to open."""
    chosen = list(settings or [])
    chosen += [f"data={json.dumps(data)}"] if data is not None else []
    chosen += [f"device={device}"] if device is not None else []
    chosen += [f"seed={seed}"] if seed is not None else []
    if (
        seeds == 1
        and resume
        and out is not None
        and not chosen
        and (out / "experiment.toml").exists()
    ):
        resolved = Experiment.load(out / "experiment.toml")
    else:
        resolved = Experiment.load(experiment, chosen)
    folder = out or Path("runs") / resolved.name
    console = Console(stderr=as_json)
    if seeds == 1:
        result = _execute(resolved, folder, console, resume)
    else:
        from fedaffect.record.summary import write_summary

        first = resolved.seed
        for number in range(first, first + seeds):
            one = resolved.model_copy(update={"seed": number})
            _execute(
                one, folder / f"seed-{number}", console, resume, f"{resolved.name} seed {number}"
            )
        result = write_summary(folder)
    if as_json:
        typer.echo(json.dumps(result))
        return
    from fedaffect.cli.runs import show

    show(folder)


def demo(
    out: Out = None,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Five ways to learn from 20 clients of the embedded (synthetic) corpus, and a report to open."""
    from fedaffect.record.tables import as_json as rows_as_json
    from fedaffect.record.tables import as_table, cautions, comparison

    folder = out or Path("runs") / "demo"
    console = Console(stderr=as_json)
    folders = []
    for name in DEMO:
        experiment = Experiment.load("demo", [f"seed={seed}", f"algorithm.name={name}"])
        folders.append(folder / name)
        _execute(experiment, folders[-1], console, True, name, "demo", f"algorithm.name={name}")
    rows = comparison(folders)
    if as_json:
        typer.echo(rows_as_json(rows))
        return
    console.print(as_table(rows))
    for caution in cautions(rows):
        console.print(f"[yellow]{caution}[/]", highlight=False)
    console.print(f"Open [bold]{folder / 'fedmpd' / 'report.html'}[/] in a browser.")


def predict(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    data: Annotated[Path, typer.Option("--data", help="Folder of an imported corpus.")],
    client: Annotated[
        str | None, typer.Option("--client", help="Whose model, where every client has its own.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="A .csv or .json file; default: standard output.")
    ] = None,
    device: Annotated[str, typer.Option("--device")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of CSV.")] = False,
) -> None:
    """Probabilities and modality weights for every utterance of a corpus."""
    from fedaffect.learning import saved
    from fedaffect.record.run import open_corpus

    folder = run_folder / "model"
    config = saved.read_config(folder)
    member = client or config.members[0]
    if member not in config.members or (client is None and len(config.members) > 1):
        raise UserError(
            f"{run_folder}: every client has a model of its own; choose one with --client: "
            f"{', '.join(config.members)}"
        )
    prediction = saved.predict(folder, open_corpus(str(data)), member, device)
    rows = list(_rows(prediction, tuple(config.modalities)))
    as_json = as_json or (out is not None and out.suffix == ".json")
    stream = out.open("w", newline="", encoding="utf-8") if out else sys.stdout
    try:
        if as_json:
            json.dump(rows, stream)
            stream.write("\n")
        else:
            writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    finally:
        if out:
            stream.close()


def _execute(
    experiment: Experiment,
    folder: Path,
    console: Console,
    resume: bool,
    title: str = "",
    preset: str = "",
    *settings: str,
) -> dict[str, Any]:
    from fedaffect.record.run import execute

    command = _command(folder, preset, settings) if preset else _typed()
    with RunProgress(console, title or experiment.name, experiment.rounds.count) as progress:
        return execute(experiment, folder, command, [progress], resume)


def _typed() -> str:
    return shlex.join(["fedaffect", *sys.argv[1:]])


def _command(folder: Path, preset: str, settings: tuple[str, ...]) -> str:
    pairs = [part for setting in settings for part in ("--set", setting)]
    return shlex.join(["fedaffect", "run", preset, *pairs, "--out", str(folder)])


def _rows(prediction: Any, modalities: tuple[str, ...]) -> Any:
    corpus = prediction.corpus
    for row in range(len(corpus)):
        probability = prediction.probability[row]
        label = int(corpus.label[row])
        yield {
            "conversation": corpus.conversations[corpus.conversation[row]],
            "turn": int(corpus.turn[row]),
            "role": int(corpus.role[row]),
            "label": corpus.classes[label] if label >= 0 else "",
            "predicted": corpus.classes[int(probability.argmax())],
            **{
                f"p_{c}": round(float(p), 6)
                for c, p in zip(corpus.classes, probability, strict=True)
            },
            **{
                f"weight_{m}": round(float(w), 6)
                for m, w in zip(modalities, prediction.modality_weights[row], strict=True)
            },
        }
