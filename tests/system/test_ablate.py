"""An ablation as a user meets it: run, interrupted, gone on with, tabulated."""

import json

import pytest

FILE = """\
name = "parts"
title = "Parts"
base = "tiny.toml"
seeds = 2
settings = ["rounds.count=2"]
[rows]
"all" = []
"no roles" = ["model.roles=false"]
"""
ABLATE = ("ablate", "parts.toml", "--jobs", "1")
RESULTS = ("parts.md", "parts.csv", "parts.svg", "parts.png")


@pytest.fixture
def parts(place):
    (place / "parts.toml").write_text(FILE)
    return place


def summaries(place):
    return sorted((place / "runs/ablations/cache").glob("*/seed-*/summary.json"))


def test_run_once_and_read_again(parts):
    said = parts.ok(*ABLATE)
    assert "4 runs to do" in said
    assert all((parts / "runs/ablations" / name).is_file() for name in RESULTS)
    assert "fedaffect ablate parts.toml\n" in (parts / "runs/ablations/parts.md").read_text()
    assert len(summaries(parts)) == 4
    before = [path.stat().st_mtime_ns for path in summaries(parts)]
    told = json.loads(parts.ok(*ABLATE, "--results", "tables", "--json"))["parts"]
    assert [path.stat().st_mtime_ns for path in summaries(parts)] == before
    assert [len(row["scores"]) for row in told] == [2, 2]
    assert told[0]["verdict"] == "base"
    assert all((parts / "tables" / name).is_file() for name in RESULTS)


def test_killed_and_gone_on_with(parts):
    assert parts(*ABLATE, dies_at=["event", "round_finished", 3]).code == -9
    assert len(summaries(parts)) == 1
    said = parts.ok("ablate", "parts.toml", "--table")
    assert "Not finished: all (1 of 2), no roles (0 of 2)." in " ".join(said.split())
    said = parts.ok(*ABLATE)
    assert "3 runs to do" in said
    assert "no roles seed 0: resumed after round" in said
    assert len(summaries(parts)) == 4


def test_the_rows_command_repeats_its_run(parts):
    parts.ok(*ABLATE, "--only", "no roles", "--seeds", "1")
    (summary,) = summaries(parts)
    parts.ok(
        *("run", "tiny.toml", "--set", "rounds.count=2", "--set", "model.roles=false"),
        *("--seed", "0", "--out", "again"),
    )
    again = json.loads((parts / "again/summary.json").read_text())
    assert {**again, "timing": 0} == {**json.loads(summary.read_text()), "timing": 0}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("model.roles", "model.rolls", "parts.toml: row `no roles`: model: rolls: no such setting"),
        ("model.roles=false", "data=none", "no roles seed 0: none: not a corpus folder"),
        ("seeds = 2", "seeds = 2\nspeeds = 3", "parts.toml: speeds: no such setting; known here: "),
    ],
)
def test_nothing_is_written_where_anything_is_wrong(old, new, said, parts, untouched):
    (parts / "parts.toml").write_text(FILE.replace(old, new))
    untouched()
    assert said in parts(*ABLATE).complaint


def test_a_row_that_diverges_is_shown_as_failed_and_the_others_go_on(parts):
    diverging = FILE.replace("model.roles=false", "training.learning_rate=1e30").replace("=2", "=4")
    (parts / "parts.toml").write_text(diverging)
    done = parts(*ABLATE, "--seeds", "1")
    assert (done.code, done.err) == (1, "1 run failed; the same command tries again\n")
    said = " ".join(done.out.split())
    assert "no roles seed 0: failed: " in said
    assert "- Failed: no roles seed 0: " in said
    assert len(summaries(parts)) == 1
    again = json.loads(parts.ok("ablate", "parts.toml", "--seeds", "1", "--table", "--json"))
    assert [row["verdict"] for row in again["parts"]] == ["base", "failed"]
