"""Many runs at once, from a terminal."""

import shlex
import sys
from typing import TYPE_CHECKING

import typer

from fedaffect.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from fedaffect.runs.pool import Job


def execute(jobs: "list[Job]", workers: int, console: "Console") -> int:
    """Execute what is to do, with its progress shown; exit code 130 where a person interrupts.

    Returns:
        how many failed.
    """
    from fedaffect.cli.progress import RunsProgress
    from fedaffect.report.formatting import count
    from fedaffect.runs import failures
    from fedaffect.runs.pool import execute_all
    from fedaffect.runs.preflight import rehearse

    if not jobs:
        return 0
    rehearse(jobs)
    console.print(f"{count(len(jobs), 'run')} to do, {workers} at once", highlight=False)
    for job in jobs:
        failures.forget(job.folder)
    rounds = [job.experiment.rounds.count for job in jobs]
    progress = RunsProgress(console, [job.title for job in jobs], rounds)

    def failed(position: int, error: UserError) -> None:
        failures.note(jobs[position].folder, str(error))
        progress.failed(position, str(error))

    try:
        with progress:
            done = execute_all(jobs, workers, progress, resume=True, failed=failed)
    except KeyboardInterrupt:
        again = shlex.join(["fedaffect", *sys.argv[1:]])
        typer.echo(f"interrupted; what was done is kept, go on with: {again}", err=True)
        raise typer.Exit(130) from None
    return len(jobs) - len(done)
