"""The trained model of a finished run: its folder, and whose it is."""

from pathlib import Path

from fedaffect.errors import UserError
from fedaffect.learning.saved import SavedModel, read_config
from fedaffect.record.summary import seed_folders


def trained_model(run: Path, client: str | None, allow_code: bool) -> tuple[Path, SavedModel, str]:
    """The model folder of a run, its description, and the member that is meant.

    Args:
        client: whose model; None where all share one.

    Raises:
        UserError: several seeds, no trained model, no such client, or none named where each has its own.
    """
    config = read_config(single_run(run) / "model", allow_code)
    members = config.members
    if client is None and len(members) == 1:
        client = members[0]
    if client in members:
        return run / "model", config, client
    if len(members) > 1:
        raise UserError(
            f"{run}: every client has a model of its own; choose one with --client: "
            f"{', '.join(members)}"
        )
    raise UserError(
        f"{run}: --client {client}: there is one model, `{members[0]}`; leave --client out"
    )


def single_run(run: Path) -> Path:
    """The folder of one run.

    Raises:
        UserError: it holds the seeds of several.
    """
    if seeds := seed_folders(run):
        raise UserError(f"{run}: holds {len(seeds)} seeds; give one of them: {seeds[0]}")
    return run
