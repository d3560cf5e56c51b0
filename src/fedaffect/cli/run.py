"""`fedaffect run`, `demo` and `predict`."""

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from fedaffect.cli.progress import RunsProgress
from fedaffect.errors import UserError
from fedaffect.experiment import SCENARIO, Experiment, presets, scenarios

if TYPE_CHECKING:
    from fedaffect.runs.pool import Job

DEMO = {
    "local": ["algorithm.name=local"],
    "fedproto": ["algorithm.name=fedproto"],
    "fedmpd": ["algorithm.name=fedmpd"],
    "fedmpd-both": ["algorithm.name=fedmpd", "algorithm.exchange=both"],
    "fedavg": ["algorithm.name=fedavg"],
    "centralised": ["algorithm.name=centralised"],
}

Out = Annotated[
    Path | None, typer.Option("--out", help="Folder of the run.", show_default="runs/NAME")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Workers = Annotated[
    int, typer.Option("--jobs", min=1, help="How many runs at once, each in its own process.")
]
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
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario",
            help=f"A TOML file, or what goes wrong by name; may be repeated: {', '.join(scenarios())}.",
        ),
    ] = None,
    settings: Settings = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="The (first) seed.")] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How many seeds to run.")] = 1,
    workers: Workers = 1,
    device: Annotated[str | None, typer.Option("--device", help="cpu or cuda.")] = None,
    out: Out = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run begun before.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train an experiment and write its record: summary, events, model and a report to open."""
    chosen = [*(f"{SCENARIO}={name}" for name in scenario or ()), *(settings or ())]
    chosen += [f"data={json.dumps(data)}"] if data is not None else []
    chosen += [f"device={device}"] if device is not None else []
    chosen += [f"seed={seed}"] if seed is not None else []
    asked = Experiment.load(experiment, chosen)
    folder = out or Path("runs") / asked.name
    console = Console(stderr=as_json)
    if seeds == 1:
        from fedaffect.runs.pool import Job

        (result,) = _execute_all([Job(asked, folder, _typed(), asked.name)], 1, console, resume)
    else:
        result = _execute_seeds(asked, seeds, folder, workers, console, resume)
    if as_json:
        typer.echo(json.dumps(result))
        return
    from fedaffect.cli.runs import show

    show(folder)


def demo(
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the runs are kept.", show_default="runs")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 0,
    workers: Workers = 2,
    as_json: AsJson = False,
) -> None:
    """Six ways to learn from 20 clients of the embedded (synthetic) corpus, and a report to open."""
    from fedaffect.runs.pool import Job
    from fedaffect.studies.compare.cautions import summary_warnings
    from fedaffect.studies.compare.overview import as_table, overview

    kept = out or Path("runs")
    console = Console(stderr=as_json)
    jobs = []
    for name, choice in DEMO.items():
        settings = [*choice, f"seed={seed}"]
        pairs = [part for setting in settings for part in ("--set", setting)]
        folder = kept / f"demo-{name}"
        command = shlex.join(["fedaffect", "run", "demo", *pairs, "--out", str(folder)])
        jobs.append(Job(Experiment.load("demo", settings), folder, command, name))
    done = _execute_all(jobs, workers, console, resume=True)
    summaries = {job.folder.name: summary for job, summary in zip(jobs, done, strict=True)}
    rows = overview(summaries)
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    console.print(as_table(rows))
    for line in summary_warnings(summaries):
        console.print(line, style="yellow", markup=False, highlight=False)
    console.print(
        "Open",
        kept / "demo-fedmpd-both" / "report.html",
        "in a browser.",
        markup=False,
        soft_wrap=True,
    )


def predict(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    data: Annotated[Path, typer.Option("--data", help="Folder of an imported corpus.")],
    client: Annotated[
        str | None, typer.Option("--client", help="Whose model, where every client has its own.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="A .csv or .json file; default: standard output.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "cpu",
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Import the model class that RUN names.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of CSV.")] = False,
) -> None:
    """Probabilities and modality weights for every utterance of a corpus."""
    from fedaffect.learning import predictor
    from fedaffect.record.csv_rows import csv_rows
    from fedaffect.record.files import write_text
    from fedaffect.runs.execute import open_corpus
    from fedaffect.runs.trained import trained_model

    if out and out.suffix not in {".csv", ".json"}:
        raise UserError(f"{out}: predictions are written as .csv or .json; name such a file")
    folder, config, member = trained_model(run_folder, client, allow_code)
    prediction = predictor.predict(folder, open_corpus(str(data)), member, device, allow_code)
    rows = list(_rows(prediction, tuple(config.modalities)))
    in_json = as_json or (out and out.suffix == ".json")
    text = json.dumps(rows) + "\n" if in_json else csv_rows(rows)
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_text(out, text)


def _execute_all(
    jobs: "list[Job]", workers: int, console: Console, resume: bool
) -> list[dict[str, Any]]:
    """Execute jobs with their progress shown; exit code 130 where a person interrupts."""
    from fedaffect.runs.pool import execute_all

    rounds = [job.experiment.rounds.count for job in jobs]
    try:
        with RunsProgress(console, [job.title for job in jobs], rounds) as progress:
            return execute_all(jobs, workers, progress, resume)
    except KeyboardInterrupt:
        again = _typed() if sys.argv[1:2] == ["demo"] else f"{_typed()} --resume"
        typer.echo(f"interrupted; what was done is kept, go on with: {again}", err=True)
        raise typer.Exit(130) from None


def _execute_seeds(
    experiment: Experiment, seeds: int, folder: Path, workers: int, console: Console, resume: bool
) -> dict[str, Any]:
    """Runs of `seeds` seeds and their means."""
    from fedaffect.record.summary import write_summary
    from fedaffect.report.report import write_report
    from fedaffect.runs.execute import ensure_free_for_seeds, seed_folder
    from fedaffect.runs.pool import Job

    each = [
        experiment.model_copy(update={"seed": experiment.seed + number}) for number in range(seeds)
    ]
    ensure_free_for_seeds(folder, each, resume)
    jobs = [
        Job(one, seed_folder(folder, one.seed), _typed(), f"{experiment.name} seed {one.seed}")
        for one in each
    ]
    _execute_all(jobs, workers, console, resume)
    write_report(folder)
    return write_summary(folder)


def _typed() -> str:
    """What was typed, but for `--resume`: the command that repeats a run, or begins it."""
    return shlex.join(["fedaffect", *(word for word in sys.argv[1:] if word != "--resume")])


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
