import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.runs.execute import resolved
from fedaffect.runs.pool import Job, execute_all


def test_a_process_that_something_ended_is_named_with_the_cure(tmp_path: Path) -> None:
    experiment = Experiment().with_settings(("model.width=8", "rounds.count=50"))
    jobs = [Job(experiment, tmp_path / name, "a command", name) for name in ("one", "two")]

    def kill(position: int, event: dict[str, Any]) -> None:
        for child in multiprocessing.active_children():
            os.kill(child.pid, signal.SIGKILL)  # what a system does that runs out of memory

    cure = r"(one|two): its process was ended by signal 9; go on with --resume, .* fewer --jobs"
    with pytest.raises(UserError, match=cure):
        execute_all(jobs, 2, kill)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_slim_run_keeps_nothing_to_go_on_from_once_it_has_finished(
    workers: int, tmp_path: Path
) -> None:
    settings = ("model.width=8", "rounds.count=1", "training.optimiser_state=keep")
    experiment = Experiment().with_settings(settings)
    jobs = [
        Job(experiment, tmp_path / name, "a command", name, slim=name != "plain")
        for name in ("plain", "slim", "stopped")
    ]

    def stop(position: int, event: dict[str, Any]) -> None:
        if (position, event["kind"]) == (2, "checkpoint"):
            raise BrokenPipeError

    done = execute_all(jobs[:2], workers, stop)
    with pytest.raises(BrokenPipeError):
        execute_all(jobs, 1, stop, resume=True)
    assert len(done) == 2
    left = {job.title: {path.name for path in job.folder.iterdir()} for job in jobs}
    assert left["plain"] - left["slim"] == {"checkpoints", "memory"}
    assert "checkpoints" in left["stopped"]


@pytest.mark.parametrize("workers", [1, 2])
def test_where_a_failure_is_taken_note_of_the_others_go_on(workers: int, tmp_path: Path) -> None:
    """The first cannot be done, the second had finished before."""
    experiment = Experiment().with_settings(("model.width=8", "rounds.count=50"))
    jobs = [Job(experiment, tmp_path / name, "a command", name) for name in ("one", "two")]
    (tmp_path / "one").mkdir()
    (tmp_path / "one/else").touch()
    (tmp_path / "two").mkdir()
    (tmp_path / "two/experiment.toml").write_text(resolved(experiment).to_toml())
    (tmp_path / "two/summary.json").write_text('{"finished": true}')
    failed, forwarded = dict[int, str](), list[tuple[int, str]]()
    done = execute_all(
        jobs,
        workers,
        lambda position, event: forwarded.append((position, event["kind"])),
        resume=True,
        failed=lambda position, error: failed.update({position: str(error)}),
    )
    assert done == [{"finished": True}]
    assert forwarded == [(1, "found")]
    assert failed.keys() == {0}
    assert "not empty and no run" in failed[0]
    with pytest.raises(UserError, match="not empty and no run"):
        execute_all(jobs, workers, lambda position, event: None, resume=True)
