"""Killed at any moment, resumed, and none the wiser: the figures are those of a run left in peace."""

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from fedaffect.record.history import History

CLIENTS, STEPS, ROUNDS = 3, 16, 4  # optimiser steps a round: two epochs of 8 conversations
BASE = ("run", "tiny.toml", "--set", f"rounds.count={ROUNDS}", "--set", "training.local_epochs=2")
FEDPROTO = (
    *("--set", "algorithm.name=fedproto"),
    *("--set", "training.optimiser_state=keep"),
)


def figures(run: Path) -> dict[str, Any]:
    """All of summary.json but `timing`."""
    summary = json.loads((run / "summary.json").read_text())
    assert summary.pop("timing")["seconds"] > 0
    return summary


def tensors(run: Path) -> dict[str, np.ndarray]:
    found = {}
    for file in sorted((run / "model").glob("*.safetensors")):
        found |= {f"{file.stem}: {n}": a for n, a in safetensors.numpy.load_file(file).items()}
    return found


def account(run: Path) -> list[dict[str, Any]]:
    """What happened in each round, without clocks and seals."""
    return [
        {k: v for k, v in event.items() if k not in ("n", "time", "seconds", "previous", "hash")}
        for event in History.read(run).events
        if event["kind"] in ("round_started", "client_finished", "round_finished")
    ]


def assert_same(left: Path, right: Path) -> None:
    assert figures(left) == figures(right)
    assert account(left) == account(right)
    here, there = tensors(left), tensors(right)
    assert here
    assert here.keys() == there.keys()
    for name, array in here.items():
        np.testing.assert_array_equal(array, there[name], err_msg=name)


def last_event(run: Path) -> str:
    lines = (run / "events.jsonl").read_text().splitlines()
    return str(json.loads(lines[-1])["kind"]) if lines else ""


@pytest.mark.parametrize(
    ("settings", "tensor_file"),
    # A resumed FedAvg writes one file of tensors a round, FedProto one a client besides.
    [((), 1), (FEDPROTO, CLIENTS)],
    ids=["fedavg", "fedproto, optimiser kept"],
)
def test_killed_at_five_moments_and_resumed(place, settings, tensor_file):
    command = (*BASE, *settings)
    place.ok(*command, "--out", "peace")
    run = place / "killed"
    chance = random.Random(20_26)  # noqa: S311
    moments: list[list[Any]] = [
        ["step", chance.randint(2, STEPS - 1)],
        ["flush", chance.randint(1, 3)],
        ["step", STEPS + chance.randint(2, STEPS - 1)],
        ["tensor file", tensor_file],
        ["event", "run_finished", 1],
    ]
    for number, moment in enumerate(moments):
        done = place(*command, "--out", run, *["--resume"][: number and 1], dies_at=moment)
        assert done.code == -9, (moment, done.err)
        if moment[0] == "step":
            assert last_event(run) in ("round_started", "client_finished")
        if moment[0] == "flush":
            assert list((run / "checkpoints").glob("partial-*"))
        if moment[0] == "tensor file":
            assert [*run.glob("memory/*/*.partial"), *run.glob("checkpoints/partial-*")]
        assert not (run / "summary.json").exists()
    assert "resumed after round" in place.ok(*command, "--out", run, "--resume")
    assert_same(run, place / "peace")


def test_a_line_of_the_record_cut_short_is_written_again(place):
    place.ok(*BASE, "--out", "peace")
    run = place / "killed"
    assert place(*BASE, "--out", run, dies_at=["event", "client_finished", 5]).code == -9
    events = run / "events.jsonl"
    events.write_bytes(events.read_bytes()[:-40])
    place.ok(*BASE, "--out", run, "--resume")
    assert_same(run, place / "peace")


def test_several_seeds_go_on_where_they_were(place):
    command = (*BASE, "--seeds", "2")
    place.ok(*command, "--out", "peace")
    run = place / "killed"
    assert place(*command, "--out", run, dies_at=["event", "run_finished", 1]).code == -9
    assert not (run / "seed-0" / "summary.json").exists()
    assert place(*command, "--out", run, "--resume", dies_at=["step", 5]).code == -9
    seal = (run / "seed-0" / "summary.json").stat().st_mtime_ns
    assert not (run / "seed-1" / "summary.json").exists()
    place.ok(*command, "--out", run, "--resume")
    assert (run / "seed-0" / "summary.json").stat().st_mtime_ns == seal
    for seed in ("seed-0", "seed-1"):
        assert_same(run / seed, place / "peace" / seed)
    merged = figures(run)
    assert {**merged, "run": ""} == {**figures(place / "peace"), "run": ""}
    assert (merged["n"], merged["seeds"]) == (2, [0, 1])


@pytest.mark.parametrize("limit", [3_000, 40_000])
def test_a_full_disk_is_one_line_and_the_run_goes_on(place, limit):
    """A limit on a file's size stands in for a full disk: the write fails in the middle of the run."""
    place.ok(*BASE, "--out", "peace")
    done = place(*BASE, "--out", "full", file_limit=limit)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith("error: full/")
    assert "File too large" in done.err
    place.ok(*BASE, "--out", "full", "--resume")
    assert_same(place / "full", place / "peace")


def test_a_finished_run_is_read_not_repeated(finished, tmp_path):
    run = tmp_path / "again"
    shutil.copytree(finished / "runs/one", run)
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*")}
    finished.ok("run", "tiny.toml", "--out", run, "--resume")
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*")} == before
