"""Why a run could not be done: a file beside its folder, until the run is tried again."""

from pathlib import Path

from fedaffect.record.files import write_text


def note(folder: Path, reason: str) -> None:
    """Keep the reason why the run of `folder` failed."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    write_text(_file(folder), reason + "\n")


def forget(folder: Path) -> None:
    """The run is tried again."""
    _file(folder).unlink(missing_ok=True)


def reason_of(folder: Path) -> str | None:
    """Why the run failed when it was last tried, on one line; None where it did not."""
    file = _file(folder)
    return " ".join(file.read_text("utf-8").split()) if file.is_file() else None


def _file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.failed")
