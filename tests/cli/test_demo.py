"""The first minute: what `fedaffect demo` asks for and where it leaves it."""

import pytest
from typer.testing import CliRunner

from fedaffect.cli import main, run
from fedaffect.experiment import Experiment
from fedaffect.runs.execute import resolved

SCORES = {"algorithm": "fedavg", "test_weighted_f1": 0.5}


@pytest.mark.parametrize("choice", run.DEMO.values(), ids=run.DEMO)
def test_every_way_is_an_experiment(choice):
    experiment = resolved(Experiment.load("demo", [*choice, "seed=3"]))
    assert (experiment.seed, experiment.data) == (3, "synthetic")


def test_its_runs_lie_among_the_others_and_can_be_repeated(monkeypatch, tmp_path):
    asked = []

    def execute(jobs, workers, console, resume):
        asked.extend((job, workers, resume) for job in jobs)
        return [
            {"evaluation": "local", "corpus": "synthetic", "partition": "iid"} | SCORES
            for _ in jobs
        ]

    monkeypatch.setattr(run, "_execute_all", execute)
    done = CliRunner().invoke(main.app, ["demo", "--out", str(tmp_path), "--seed", "3"])
    assert done.exit_code == 0, done.output
    assert [job.folder.name for job, _, _ in asked] == [f"demo-{name}" for name in run.DEMO]
    assert all((workers, resume) == (2, True) for _, workers, resume in asked)
    both = next(job for job, _, _ in asked if job.title == "fedmpd-both")
    assert "--set algorithm.exchange=both --set seed=3" in both.command
    assert str(tmp_path / "demo-fedmpd-both" / "report.html") in done.output.replace("\n", "")
