import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from fedaffect.cli.runs import runs, show
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.federation.events import EventLog, read

app = typer.Typer()
app.command()(runs)
app.command()(show)


def call(*arguments: str) -> str:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that two rounds into it was left."""
    folder = tmp_path / "mine"
    folder.mkdir()
    log = EventLog(folder / "events.jsonl")
    counts = {"train": 1, "dev": 1, "test": 1}
    log.append(
        "run_started",
        run="mine",
        experiment=Experiment().model_dump(),
        command="fedaffect run mine",
        corpus={"name": "tiny", "classes": ["a", "b"], "modalities": {"text": [4]}, "pairing": "recorded",
                "synthetic": True, "sha256": "00", "conversations": counts, "utterances": counts},
        clients=[{"name": "ada", "conversations": 1, "volume": 3, "labels": [1, 2]}],
        algorithm="fedavg",
        parameters=10,
        evaluations=["global"],
        declared=[],
    )  # fmt: skip
    for number, score in ((1, 0.25), (2, 0.5)):
        log.append("round_started", round=number, cohort=[0], offline=[])
        dev = {"global": {"weighted_f1": score}}
        log.append(
            "round_finished", round=number, loss=1.0, updates=1, score=score, dev=dev, client_dev=[]
        )
    log.close()
    return folder


def test_runs_lists_what_is_there(run: Path) -> None:
    text = call("runs", "--folder", str(run.parent))
    assert "mine" in text
    assert "unfinished" in text
    (listed,) = json.loads(call("runs", "--folder", str(run.parent), "--json"))
    assert (listed["run"], listed["state"], listed["rounds"]) == ("mine", "unfinished", 2)


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    assert "no runs yet" in call("runs", "--folder", str(tmp_path))


def test_show_prints_figures_a_curve_and_writes_the_report(run: Path) -> None:
    text = call("show", str(run))
    assert "▁█  0.250 → 0.500" in text
    assert "not finished" in text
    assert "Synthetic corpus" in text
    assert str(run / "report.html") in text.replace("\n", "")
    assert (run / "report.html").is_file()


def test_show_json_writes_nothing(run: Path) -> None:
    assert json.loads(call("show", str(run), "--json"))["finished"] is False
    assert not (run / "report.html").exists()


def test_a_finished_runs_report_is_left_as_it_is(run: Path) -> None:
    summary = {"finished": True, "synthetic": False, "test_weighted_f1": 0.5, "bytes_up": 2_000}
    (run / "summary.json").write_text(json.dumps(summary))
    (run / "report.html").write_text("mine")
    text = call("show", str(run))
    assert "0.500" in text
    assert "2 kB" in text
    assert (run / "report.html").read_text() == "mine"


def test_no_run_there_is_a_users_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give the folder of a run"):
        call("show", str(tmp_path))


def test_rounds_that_were_not_recorded_are_no_curve(run: Path) -> None:
    start = next(read(run / "events.jsonl"))
    start["experiment"]["rounds"]["record"] = "ends"
    (run / "events.jsonl").unlink()
    log = EventLog(run / "events.jsonl")
    sealed = ("n", "time", "kind", "previous", "hash")
    log.append("run_started", **{k: v for k, v in start.items() if k not in sealed})
    log.close()
    text = call("show", str(run))
    assert "not recorded by round" in text
    assert re.search(r"bytes up +–", text)
    assert (run / "report.html").is_file()
