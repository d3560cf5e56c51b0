import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.record.several import Job, execute_all


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
