"""`fedaffect`: the commands, and the one place where an error becomes a line and an exit code."""

import sys
import warnings
from functools import partial
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from fedaffect.cli import compare, data, evaluate, export, run, runs, settings, study
from fedaffect.errors import Note, UserError, refused
from fedaffect.version import __version__

EXTRAS = {
    **dict.fromkeys(("torch", "sklearn", "scipy", "matplotlib", "jinja2"), "train"),
    **dict.fromkeys(("onnx", "onnxscript"), "export"),
    "onnxruntime": "edge",
}

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="Federated multimodal emotion recognition: recordings stay with the people who made them.",
)
app.command("demo")(run.demo)
app.command("run")(run.run)
app.command("predict")(run.predict)
app.command("export")(export.export)
app.command("evaluate")(evaluate.evaluate)
app.command("runs")(runs.runs)
app.command("show")(runs.show)
app.command("compare")(compare.compare)
app.command("study")(study.study)
app.command("ablate", hidden=True)(study.study)
app.command("table", hidden=True)(study.study)
app.command("settings")(settings.settings)
app.add_typer(data.app, name="data")


@app.callback(invoke_without_command=True)
def _common(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; exit code 2 for whatever the user can mend, 130 when interrupted."""
    errors = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)
    warnings.showwarning = partial(_warn, errors)
    try:
        app()
    except UserError as error:
        _complain(errors, str(error))
    except OSError as error:
        _complain(errors, str(refused(error)))
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        _complain(
            errors,
            f"this needs the `{extra}` extra ({error.name} is not installed): "
            f"pip install 'fedaffect[{extra}]'",
        )
    except KeyboardInterrupt:
        sys.exit(130)


def _warn(errors: Console, message: Warning | str, category: type[Warning], *where: Any) -> None:
    """A `Note` is one line; any other warning is a library's, shown as Python does."""
    if issubclass(category, Note):
        errors.print(f"note: {message}", markup=False)
    else:
        sys.stderr.write(warnings.formatwarning(message, category, *where[:3]))


def _complain(errors: Console, message: str) -> NoReturn:
    """One line, whatever the message quotes."""
    errors.print("[bold red]error:[/] ", end="")
    errors.print(" ".join(message.splitlines()), markup=False)
    sys.exit(2)


if __name__ == "__main__":
    main()
