"""A run that cannot be gone on with: one line that says why, exit code 2, nothing written."""

import fcntl
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fedaffect.federation.events import read

IMPORT = ("data", "import")
RUN = ("run", "tiny.toml", "--out", "run")


@pytest.fixture
def begun(place):
    """A place with `run`, a FedProto run killed after its second round."""
    fedproto = ("--set", "algorithm.name=fedproto")
    done = place(*RUN, *fedproto, dies_at=["event", "checkpoint", 3])
    assert done.code == -9
    return place


RESUME = ("run", "run/experiment.toml", "--out", "run", "--resume")


def test_a_run_is_never_overwritten(finished, match):
    before = finished.files()
    one = ("run", "tiny.toml", "--out", "runs/one")
    match(r"runs/one: holds a run already; add --resume", finished(*one).complaint)
    match(r"runs/one: holds a run of one seed", finished(*one, "--seeds", "2").complaint)
    seeds = ("run", "tiny.toml", "--out", "runs/seeds")
    match(r"runs/seeds: not empty and no run", finished(*seeds).complaint)
    fewer = (*seeds, "--set", "rounds.count=1", "--seeds", "2")
    match(r"seeds/seed-0: holds a run already; add --resume", finished(*fewer).complaint)
    assert finished.files() == before


def test_another_experiment_cannot_resume_a_run(begun, untouched, match):
    untouched()
    other = begun("run", "tiny.toml", "--out", "run", "--resume").complaint
    match(
        r"run/experiment\.toml: algorithm\.name is 'fedproto', not 'fedavg'; resume it as it was "
        r"begun \(`fedaffect run run/experiment\.toml --out run --resume`\)",
        other,
    )
    (begun / "run/experiment.toml").write_text(
        (begun / "run/experiment.toml").read_text().replace("count = 3", "count = 5")
    )
    match(r"events\.jsonl: the run was begun with another experiment", begun(*RESUME).complaint)


def test_another_corpus_cannot_resume_a_run(begun, layout, untouched, match):
    arrays = layout()
    arrays["text"] += 1
    np.savez(begun / "tiny.npz", **arrays)
    begun.ok(*IMPORT, "tiny.npz", "--out", "corpus")
    untouched()
    match(r"events\.jsonl: the run was begun with another corpus", begun(*RESUME).complaint)


def test_a_run_that_another_process_is_at(begun, match):
    with (begun / "run/events.jsonl").open("a") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        match(
            r"events\.jsonl: another process is at work on this run; wait", begun(*RESUME).complaint
        )
    assert "resumed after round 2" in begun.ok(*RESUME)
    begun.ok("show", "run")


def altered(path: Path) -> None:
    text = path.read_text()
    assert '"volume":' in text
    path.write_text(text.replace('"volume":', '"volume": ', 1))


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (altered, r"run/events\.jsonl: line \d+ was altered"),
        (
            lambda path: path.write_text(path.read_text()[500:]),
            r"events\.jsonl: line 1 was altered",
        ),
        (lambda path: path.write_text(""), r"events\.jsonl: its beginning is lost"),
        (Path.unlink, r"events\.jsonl: no event log here"),
    ],
    ids=["altered", "cut in front", "empty", "gone"],
)
def test_a_tampered_record_is_not_continued(spoil, expected, begun, untouched, match):
    events = begun / "run/events.jsonl"
    spoil(events)
    left = events.read_bytes() if events.exists() else None
    untouched()
    match(expected, begun(*RESUME).complaint)
    assert (events.read_bytes() if events.exists() else None) == left


def test_a_tampered_record_is_not_shown(begun, match):
    altered(begun / "run/events.jsonl")
    match(r"run/events\.jsonl: line \d+ was altered", begun("show", "run").complaint)


@pytest.mark.parametrize("file", ["run_state.json", "state.safetensors"])
def test_a_damaged_checkpoint_and_its_cure(file, begun, match):
    path = begun / "run/checkpoints/round-000002" / file
    path.write_bytes(path.read_bytes()[:50])
    before = begun.files(), len(list(read(begun / "run/events.jsonl")))
    complaint = begun(*RESUME).complaint
    assert (begun.files(), len(list(read(begun / "run/events.jsonl")))) == before
    match(
        rf"round-000002/{file}: cannot be read: .*; delete run/checkpoints/round-000002", complaint
    )
    shutil.rmtree(path.parent)
    begun.ok(*RESUME)
    begun.ok("run", "run/experiment.toml", "--out", "peace")
    match_figures(begun / "run", begun / "peace")


def match_figures(left: Path, right: Path) -> None:
    here, there = (json.loads((run / "summary.json").read_text()) for run in (left, right))
    assert {**here, "timing": 0} == {**there, "timing": 0}


def test_a_damaged_memory(begun, match):
    for path in (begun / "run/memory").rglob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:50])
    done = begun(*RESUME)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    match(
        r"memory/client-0000/round-000002\.safetensors: cannot be read: .*start the run anew",
        done.err,
    )
