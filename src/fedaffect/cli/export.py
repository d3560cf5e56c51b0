"""`fedaffect export`: a trained network as one ONNX file, for machines without torch."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    out: Annotated[Path, typer.Option("--out", help="The .onnx file to write.")],
    client: Annotated[
        str | None, typer.Option("--client", help="Whose model, where every client has its own.")
    ] = None,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Import the model class that RUN names.")
    ] = False,
) -> None:
    """Write a run's network of images as ONNX: embeddings, and what it says, without torch."""
    from fedaffect.learning.torch.export import export as write
    from fedaffect.runs.trained import trained_model

    folder, _, member = trained_model(run, client, allow_code)

    difference = write(folder, out, member, allow_code)
    size = out.stat().st_size / 2**20
    typer.echo(f"{out}: {size:.2f} MiB, differs from torch by at most {difference:.1e}")
