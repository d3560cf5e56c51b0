"""A table of models as a user meets it: candidates, the choice, all seeds; interrupted, gone on with."""

import csv
import io
import json

import pytest

FILE = """\
name = "models"
title = "Tiny models"
base = "tiny.toml"
seeds = 2
settings = ["rounds.count=2", "algorithm.name=centralised"]
pairs = [["calm", "joy"], ["joy", "fury"]]
[corpora]
talk = []
[rows.SDT]
[rows.SDT.candidates]
"slow" = ["training.learning_rate=1e-4"]
"fast" = ["training.learning_rate=1e-2"]
[rows.alone]
settings = ["algorithm.name=local"]
"""
TABLE = ("table", "models.toml", "--jobs", "1")
QUICK = (*TABLE, "--no-latency")
RESULTS = {
    *("models-talk.md", "models-talk.svg", "models-talk.png", "models-talk.csv", "models-talk.tex"),
    *("models-talk-per-class.csv", "models-talk-per-class.tex"),
    *("models-talk-rounds.svg", "models-talk-rounds.png"),
}


@pytest.fixture
def models(place):
    (place / "models.toml").write_text(FILE)
    return place


def summaries(place):
    return sorted((place / "runs/tables/cache").glob("*/seed-*/summary.json"))


def test_run_once_and_read_again_in_every_form(models):
    said = models.ok(*TABLE)
    assert "4 runs to do" in said  # both candidates once, `alone` twice
    assert "1 run to do" in said  # the chosen one again
    assert said.count("measuring latency and memory") == 1
    assert {path.name for path in (models / "runs/tables").glob("models-*")} == RESULTS
    assert "fedaffect table models.toml\n" in (models / "runs/tables/models-talk.md").read_text()
    assert len(summaries(models)) == 5
    before = {path: path.stat().st_mtime_ns for path in (models / "runs/tables/cache").rglob("*")}
    (told, alone) = json.loads(models.ok(*TABLE, "--results", "pages", "--json"))["talk"]
    assert (told["seeds"], len(told["tried"]), alone["verdict"]) == (2, 2, "best of local")
    assert told["latency_ms"] > 0
    assert alone["latency_ms"] is None
    assert (models / "pages/models-talk.md").is_file()
    rows = csv.DictReader(
        io.StringIO(models.ok(*TABLE, "--format", "csv", "--layout", "per-class"))
    )
    assert [row["row"] for row in rows] == ["SDT", "alone"]
    assert models.ok(*TABLE, "--format", "latex").startswith("\\begin{tabular}{lrlrr")
    assert before == {
        path: path.stat().st_mtime_ns for path in (models / "runs/tables/cache").rglob("*")
    }


def test_killed_and_gone_on_with(models):
    assert models(*QUICK, dies_at=["event", "round_finished", 3]).code == -9
    assert len(summaries(models)) == 1
    said = " ".join(models.ok(*QUICK, "--table").split())
    assert "Candidates not yet chosen: SDT." in said
    assert "Not finished: alone (0 of 2)." in said
    said = models.ok(*QUICK)
    assert "3 runs to do" in said
    assert "SDT (fast) talk seed 0: resumed after round" in said
    assert len(summaries(models)) == 5


def test_one_row_with_other_seeds(models):
    models.ok(*QUICK, "--only", "alone", "--corpus", "talk", "--seeds", "1")
    assert len(summaries(models)) == 1


def test_a_candidate_that_diverges_is_passed_over_and_told(models):
    (models / "models.toml").write_text(FILE.replace("1e-4", "1e30").replace("=2", "=4"))
    done = models(*QUICK, "--seeds", "1", "--only", "SDT")
    assert (done.code, done.err) == (1, "1 run failed; the same command tries again\n")
    said = " ".join(done.out.split())
    assert "- Failed: SDT (slow) seed 0: " in said
    (told, _) = json.loads(models.ok(*QUICK, "--seeds", "1", "--table", "--json"))["talk"]
    assert (told["chosen"], told["seeds"], told["verdict"]) == ("fast", 1, "best")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--only", "odd"), "--only odd: no such row; there are: SDT, alone"),
        (("--corpus", "odd"), "--corpus odd: no such corpus; there are: talk"),
        (("--only", "SDT", "--table"), "--only chooses what is run, and --table runs nothing"),
    ],
)
def test_what_does_not_go_together(arguments, said, models, untouched):
    untouched()
    assert said in models(*QUICK, *arguments).complaint


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("learning_rate=1e-4", "learning=1", "models.toml: row `SDT`: candidate `slow`: "),
        ("talk = []", 'talk = ["data=none"]', "SDT (slow) talk seed 0: none: not a corpus folder"),
        (
            "seeds = 2",
            "seeds = 2\nspeeds = 3",
            "models.toml: speeds: no such setting; known here: ",
        ),
    ],
)
def test_nothing_is_written_where_anything_is_wrong(old, new, said, models, untouched):
    (models / "models.toml").write_text(FILE.replace(old, new))
    untouched()
    assert said in models(*QUICK).complaint


def test_a_damaged_record_is_refused(models):
    models.ok(*QUICK, "--only", "alone", "--seeds", "1")
    models.ok(*QUICK, "--only", "SDT", "--seeds", "1")
    for path in summaries(models):
        told = json.loads(path.read_text())
        if told["evaluation"] == "global":
            path.write_text(json.dumps(told | {"test_accuracy": told["test_accuracy"] + 0.01}))
    said = models(*QUICK, "--seeds", "1", "--table").complaint
    assert "test_accuracy is " in said
    assert "its figures do not belong together; delete the folder to run it again" in said
