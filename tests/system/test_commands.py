"""A user's way through: run, look, compare seeds, predict, interrupt, go on."""

import csv
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from time import sleep

import numpy as np
import pytest
import safetensors.numpy

from fedaffect.corpus import store
from fedaffect.experiment import Experiment
from fedaffect.federation.events import read
from fedaffect.record.files import REPORT


def figures(run: Path) -> dict[str, object]:
    return {**json.loads((run / "summary.json").read_text()), "timing": 0, "run": ""}


def test_the_same_experiment_gives_the_same_figures(finished, place):
    place.ok("run", "tiny.toml", "--out", "twice")
    assert figures(place / "twice") == figures(finished / "runs/one")
    place.ok("run", "tiny.toml", "--out", "other", "--seed", "1")
    assert figures(place / "other") != figures(finished / "runs/one")


def test_a_run_is_a_folder(finished):
    run = finished / "runs/one"
    names = {path.name for path in run.iterdir()}
    assert names >= {
        *("experiment.toml", "environment.json", "events.jsonl", "metrics.csv", "summary.json"),
        *("checkpoints", "model", "report.html"),
    }
    written = Experiment.load(run / "experiment.toml")
    assert written.model.settings["dropout"] == 0.5  # defaults are written out
    assert written.rounds.count == 3
    assert json.loads((run / "environment.json").read_text())["packages"]["torch"]
    assert not [path for path in run.rglob("*") if "partial" in path.name]


def test_a_run_under_scenarios_says_so_everywhere(place):
    asked = ("--scenario", "drop-outs", "--scenario", "one-modality-missing")
    more = ("--set", "conditions.drop_out=0.4", "--set", "rounds.quorum=0")
    place.ok("run", "tiny.toml", *asked, *more, "--out", "run")
    written = Experiment.load(place / "run/experiment.toml")
    assert (written.conditions.drop_out, written.conditions.missing_clients) == (0.4, 0.5)
    words = (
        "50 % of the clients have nothing of one modality, drawn for each; "
        "40 % of a round's clients fail before they send"
    )
    assert figures(place / "run")["conditions"] == words
    assert f"Conditions: {words}." in (place / "run/model/README.md").read_text()
    report = (place / "run" / REPORT).read_text()
    assert "Conditions: 50 % of the clients have nothing of one modality" in report
    assert "dropped out (conditions.drop_out)" in report
    started = next(read(place / "run/events.jsonl"))
    assert sum("lacking" in client for client in started["clients"]) == 2


def test_the_run_folder_repeats_the_run(finished, place):
    place.ok("run", finished / "runs/one/experiment.toml", "--out", "repeated")
    assert figures(place / "repeated") == figures(finished / "runs/one")


@pytest.mark.parametrize("run", ["one", "many"])
def test_the_record_declares_what_the_server_sends(run, finished):
    started = next(read(finished / "runs" / run / "events.jsonl"))
    down = {d["name"]: d for d in started["declared"] if d["direction"] == "down"}
    (last,) = (finished / "runs" / run / "checkpoints").glob("round-000003")
    state = safetensors.numpy.load_file(last / "state.safetensors")
    assert state.keys() == down.keys()
    for name, array in state.items():
        assert (list(array.shape), str(array.dtype)) == (down[name]["shape"], down[name]["dtype"])


def test_where_all_data_lie_in_one_place_nothing_crosses(place):
    place.ok("run", "tiny.toml", "--set", "algorithm.name=centralised", "--out", "run")
    events = list(read(place / "run/events.jsonl"))
    assert not any(e.get("bytes_up") or e.get("bytes_down") or e.get("sent") for e in events)
    assert "may cross a client's boundary" not in (place / "run" / REPORT).read_text()


def test_a_run_goes_on_from_what_another_one_learnt(place):
    """With hardly any learning rate, its model is the other one's; which need not stay for predicting."""
    place.ok("run", "tiny.toml", "--out", "first")
    slow = ("--set", "training.learning_rate=1e-12", "--set", "rounds.count=1")
    place.ok("run", "tiny.toml", "--set", "start.run=first", *slow, "--out", "second")
    for part in ("test_weighted_f1", "test_accuracy"):
        assert figures(place / "second")[part] == figures(place / "first")[part]
    assert re.search(r'sha256 = "[0-9a-f]{64}"', (place / "second/experiment.toml").read_text())
    shutil.rmtree(place / "first")
    place.ok("predict", "second", "--data", "corpus", "--out", "said.csv")
    done = place("run", "tiny.toml", "--set", "start.run=first", "--out", "third")
    assert "start.run: first/model: no trained model here" in done.complaint


def test_a_run_on_some_of_the_modalities(place):
    place.ok("run", "tiny.toml", "--out", "less", "--set", 'features.modalities=["text"]')
    config = json.loads((place / "less/model/config.json").read_text())
    assert list(config["modalities"]) == ["text"]
    failed = place("run", "tiny.toml", "--out", "none", "--set", 'features.modalities=["odour"]')
    assert "no modality `odour`; it has: " in failed.complaint


def test_without_out_the_run_is_named_after_the_experiment(place):
    place.ok("run", "tiny.toml", "--set", "rounds.count=1", "--set", "name=mine")
    assert (place / "runs/mine/summary.json").is_file()


def test_json_is_the_only_thing_on_standard_output(place):
    one = ("run", "tiny.toml", "--set", "rounds.count=1", "--json")
    done = place(*one, "--out", "one")
    assert json.loads(done.out) == json.loads((place / "one/summary.json").read_text())
    assert "round 1/1" in done.err
    several = json.loads(place(*one, "--seeds", "2", "--out", "two").out)
    assert several["seeds"] == [0, 1]
    assert several == json.loads((place / "two/summary.json").read_text())


@pytest.mark.parametrize("run", ["one", "many", "seeds"])
def test_the_report_asks_nobody_for_anything(run, finished):
    page = (finished / "runs" / run / REPORT).read_text()
    assert page.startswith("<!doctype html>")
    assert not re.findall(r"""\bsrc=["']?(?!data:)|href=["']?(?:\w+:)?//""", page)
    assert not re.findall(r"url\((?!#|data:)|@import|<script[^>]+src|<link|<iframe|<form", page)
    assert len(page) < 3_000_000


def test_runs_lists_them(finished):
    listed = {run["run"]: run for run in json.loads(finished.ok("runs", "--json"))}
    assert listed.keys() == {"one", "many", "seeds"}
    assert {run["state"] for run in listed.values()} == {"finished"}
    assert [listed[name]["seeds"] for name in ("one", "seeds")] == [0, 2]
    assert listed["many"]["evaluation"] == "local"
    table = finished.ok("runs")
    assert all(name in table for name in listed)


@pytest.mark.parametrize("run", ["one", "many", "seeds"])
def test_show_agrees_with_the_summary(run, finished):
    folder = finished / "runs" / run
    summary = json.loads((folder / "summary.json").read_text())
    shown = json.loads(finished.ok("show", folder, "--json"))
    assert {**shown, "timing": 0} == {**summary, "timing": 0}
    text = finished.ok("show", folder)
    assert f"{summary['test_weighted_f1']:.3f}" in text
    assert str(folder / REPORT) in text.replace("\n", "")


def test_seeds_are_averaged(finished):
    folder = finished / "runs/seeds"
    each = [json.loads((folder / f"seed-{k}/summary.json").read_text()) for k in (0, 1)]
    assert [one["seed"] for one in each] == [0, 1]
    merged = json.loads((folder / "summary.json").read_text())
    scores = [one["test_weighted_f1"] for one in each]
    assert merged["test_weighted_f1"] == pytest.approx(np.mean(scores))
    assert merged["test_weighted_f1_sd"] == pytest.approx(np.std(scores, ddof=1))


@pytest.mark.parametrize("arguments", [["runs/one"], ["runs/many", "--client", "client-01"]])
def test_predict_gives_a_row_an_utterance(arguments, finished):
    command = ("predict", *arguments, "--data", "corpus")
    rows = list(csv.DictReader(io.StringIO(finished.ok(*command))))
    corpus = store.load(finished / "corpus")
    assert len(rows) == len(corpus) == 60
    assert [row["conversation"] for row in rows] == [
        corpus.conversations[c] for c in corpus.conversation
    ]
    for column in ("turn", "role"):
        assert [int(row[column]) for row in rows] == getattr(corpus, column).tolist()
    assert [row["label"] for row in rows] == [corpus.classes[i] for i in corpus.label]
    p = np.array([[float(row[f"p_{name}"]) for name in corpus.classes] for row in rows])
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
    assert [row["predicted"] for row in rows] == [corpus.classes[i] for i in p.argmax(axis=1)]
    weights = np.array([[float(row[f"weight_{m}"]) for m in corpus.features] for row in rows])
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    assert (weights[~corpus.present["audio"], 0] == 0).all()
    as_json = json.loads(finished.ok(*command, "--json"))
    assert [{k: str(v) for k, v in row.items()} for row in as_json] == rows


def test_predict_into_files(finished, tmp_path):
    command = ("predict", "runs/one", "--data", "corpus")
    for name in ("p.csv", "p.json"):
        assert finished.ok(*command, "--out", tmp_path / name) == ""
    assert (tmp_path / "p.csv").read_text() == finished.ok(*command)
    assert json.loads((tmp_path / "p.json").read_text()) == json.loads(
        finished.ok(*command, "--json")
    )


def test_predict_without_a_modality_and_without_any(finished, layout, tmp_path):
    arrays = layout()
    del arrays["audio"], arrays["audio_present"]
    arrays["text_present"] = np.arange(60) % 10 != 0
    arrays["label"] = np.full(60, -1)
    arrays["split"] = np.full(60, "train")
    np.savez(tmp_path / "text.npz", **arrays)
    finished.ok("data", "import", tmp_path / "text.npz", "--out", tmp_path / "text")
    said = finished.ok("predict", "runs/one", "--data", tmp_path / "text", "--json")
    for number, row in enumerate(json.loads(said)):
        assert (row["weight_audio"], row["weight_text"]) == (0, number % 10 != 0)
        assert row["label"] == ""
        assert sum(row[f"p_{name}"] for name in ("calm", "joy", "anger")) == pytest.approx(
            1, abs=1e-5
        )


def stop(place, command: list[str], logs: list[Path], death: signal.Signals) -> tuple[int, str]:
    """Start a process of its own, stop it while each of `logs` grows; its exit code, what it said."""

    def at_work(log: Path) -> bool:
        return log.exists() and log.read_text().count('"client_finished"') >= 4

    with subprocess.Popen(
        [sys.executable, "-m", "fedaffect", *command],
        cwd=place.folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while process.poll() is None and not all(map(at_work, logs)):
            sleep(0.005)
        process.send_signal(death)
        _, said = process.communicate()
    return process.returncode, said


LONG = ("run", "tiny.toml", "--set", "rounds.count=6", "--set", "training.local_epochs=2")


def test_interrupted_by_a_person_and_gone_on_with_as_told(place):
    events = place / "stopped/events.jsonl"
    code, said = stop(place, [*LONG, "--out", "stopped"], [events], signal.SIGINT)
    assert code == 130
    assert "Traceback" not in said
    assert not (place / "stopped/summary.json").exists()
    again = shlex.split(said.rpartition("go on with: ")[2])[1:]
    assert again == [*LONG, "--out", "stopped", "--resume"]
    assert "resumed after round" in place.ok(*again)
    place.ok(*LONG, "--out", "peace")
    assert figures(place / "stopped") == figures(place / "peace")


def test_two_processes_killed_from_outside_and_gone_on_with_in_one(place):
    """The child processes end with their parent; how many there are changes no bit."""
    command = [*LONG, "--seeds", "2", "--out", "stopped"]
    logs = [place / f"stopped/seed-{seed}/events.jsonl" for seed in (0, 1)]
    code, _ = stop(place, [*command, "--jobs", "2"], logs, signal.SIGKILL)
    assert code == -9
    assert not (place / "stopped/summary.json").exists()
    place.ok(*command, "--resume")
    place.ok(*LONG, "--seeds", "2", "--out", "peace")
    for run in ("", "seed-0", "seed-1"):
        assert figures(place / "stopped" / run) == figures(place / "peace" / run)


@pytest.mark.parametrize(
    "arguments",
    [["predict", "runs/one", "--data", "corpus"], ["show", "runs/one"], ["--help"]],
    ids=lambda a: a[0],
)
def test_a_closed_pipe_is_no_error_to_talk_about(arguments, finished):
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        [sys.executable, "-m", "fedaffect", *arguments],
        cwd=finished.folder,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(writing)
        _, said = process.communicate()
    assert said == ""


@pytest.mark.slow
def test_the_embedded_corpus_runs_from_a_preset(place):
    done = place(
        "run", "demo", "--set", "rounds.count=1", "--set", "algorithm.name=fedavg", "--json"
    )
    summary = json.loads(done.out)
    assert summary["synthetic"] is True
    assert (summary["clients"], summary["rounds"]) == (20, 1)
    assert "Synthetic corpus" in place.ok("show", "runs/demo")


def test_an_algorithm_of_one_s_own_beside_where_one_works(place):
    (place / "mine.py").write_text(
        "from fedaffect.federation.algorithms.fedavg import FedAvg\n\n\n"
        "class Slow(FedAvg):\n"
        "    def server_round(self, state, aggregate, context):\n"
        "        new = super().server_round(state, aggregate, context)\n"
        "        return {n: (state[n] + new[n]) / 2 for n in new}\n"
    )
    place.ok("run", "tiny.toml", "--set", "algorithm.name=mine:Slow", "--out", "slow")
    assert figures(place / "slow")["algorithm"] == "mine:Slow"
