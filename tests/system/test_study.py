"""Studies as a user meets them: run, interrupted, gone on with, tabulated; candidates and the choice."""

import csv
import io
import json

import pytest

ABLATION = """\
name = "parts"
title = "Parts"
base = "tiny.toml"
seeds = 2
settings = ["rounds.count=2"]
[rows]
"all" = []
"no roles" = ["model.roles=false"]
"""
MODELS = """\
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
ABLATE = ("ablate", "parts.toml", "--jobs", "1")
PARTS = ("parts.md", "parts.csv", "parts.svg", "parts.png")
TABLE = ("table", "models.toml", "--jobs", "1")
QUICK = (*TABLE, "--no-latency")
RESULTS = {
    *("models-talk.md", "models-talk.svg", "models-talk.png", "models-talk.csv", "models-talk.tex"),
    *("models-talk-per-class.csv", "models-talk-per-class.tex"),
    *("models-talk-rounds.svg", "models-talk-rounds.png"),
}


@pytest.fixture
def models(place):
    (place / "models.toml").write_text(MODELS)
    return place


@pytest.fixture
def parts(place):
    (place / "parts.toml").write_text(ABLATION)
    return place


def summaries(place):
    return sorted((place / "runs").glob("*/cache/*/seed-*/summary.json"))


def test_an_ablation_is_run_once_and_read_again(parts):
    message = parts.ok(*ABLATE)
    assert "4 runs to do" in message
    assert all((parts / "runs/ablations" / name).is_file() for name in PARTS)
    assert "fedaffect ablate parts.toml\n" in (parts / "runs/ablations/parts.md").read_text()
    assert len(summaries(parts)) == 4
    before = [path.stat().st_mtime_ns for path in summaries(parts)]
    found = json.loads(parts.ok(*ABLATE, "--results", "tables", "--json"))["parts"]
    assert [path.stat().st_mtime_ns for path in summaries(parts)] == before
    assert [len(row["scores"]) for row in found] == [2, 2]
    assert found[0]["verdict"] == "base"
    assert all((parts / "tables" / name).is_file() for name in PARTS)


def test_an_ablation_is_killed_and_gone_on_with(parts):
    assert parts(*ABLATE, dies_at=["event", "round_finished", 3]).code == -9
    assert len(summaries(parts)) == 1
    message = parts.ok("ablate", "parts.toml", "--table")
    assert "Not finished: all (1 of 2), no roles (0 of 2)." in " ".join(message.split())
    message = parts.ok(*ABLATE)
    assert "3 runs to do" in message
    assert "no roles seed 0: resumed after round" in message
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


def test_studies_of_both_forms_at_once(parts, models):
    """Under the one name, with runs of their own, each beside its own kind of reference."""
    both = ("study", "parts.toml", "models.toml", "--jobs", "1", "--seeds", "1", "--no-latency")
    found = json.loads(parts.ok(*both, "--json"))
    assert {name: len(rows) for name, rows in found.items()} == {"parts": 2, "models-talk": 2}
    assert [rows[0]["verdict"] for rows in found.values()] == ["base", "best of global"]
    assert {path.parents[3].name for path in summaries(parts)} == {"studies"}
    assert "fedaffect study parts.toml --seeds 1\n" in (parts / "runs/studies/parts.md").read_text()
    text = parts.ok(*both, "--table")
    assert "Tiny models: talk" in text
    assert "2 candidates" not in text


def test_other_names_are_hidden_and_told_of(place):
    assert "ablate" not in place.ok("--help")
    assert "are other names for this command" in " ".join(place.ok("study", "--help").split())


def test_a_table_is_run_once_and_read_again_in_every_form(models):
    message = models.ok(*TABLE)
    assert "4 runs to do" in message  # both candidates once, `alone` twice
    assert "1 run to do" in message  # the chosen one again
    assert message.count("measuring latency and memory") == 1
    assert {path.name for path in (models / "runs/tables").glob("models-*")} == RESULTS
    assert "fedaffect table models.toml\n" in (models / "runs/tables/models-talk.md").read_text()
    assert len(summaries(models)) == 5
    before = {path: path.stat().st_mtime_ns for path in (models / "runs/tables/cache").rglob("*")}
    (found, alone) = json.loads(models.ok(*TABLE, "--results", "pages", "--json"))["talk"]
    assert (found["seeds"], len(found["tried"]), alone["verdict"]) == (2, 2, "best of local")
    assert found["latency_ms"] > 0
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


def test_a_table_is_killed_and_gone_on_with(models):
    assert models(*QUICK, dies_at=["event", "round_finished", 3]).code == -9
    assert len(summaries(models)) == 1
    message = " ".join(models.ok(*QUICK, "--table").split())
    assert "Candidates not yet chosen: SDT." in message
    assert "Not finished: alone (0 of 2)." in message
    message = models.ok(*QUICK)
    assert "3 runs to do" in message
    assert "SDT (fast) talk seed 0: resumed after round" in message
    assert len(summaries(models)) == 5


def test_one_row_with_other_seeds(models):
    models.ok(*QUICK, "--only", "alone", "--corpus", "talk", "--seeds", "1")
    assert len(summaries(models)) == 1


def test_a_candidate_that_diverges_is_passed_over_and_told(models):
    (models / "models.toml").write_text(MODELS.replace("1e-4", "1e30").replace("=2", "=4"))
    done = models(*QUICK, "--seeds", "1", "--only", "SDT")
    assert (done.code, done.err) == (1, "1 run failed; the same command tries again\n")
    message = " ".join(done.out.split())
    assert "- Failed: SDT (slow) seed 0: " in message
    (found, _) = json.loads(models.ok(*QUICK, "--seeds", "1", "--table", "--json"))["talk"]
    assert (found["chosen"], found["seeds"], found["verdict"]) == ("fast", 1, "best")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--only", "odd"), "--only odd: no such row; there are: SDT, alone"),
        (("--corpus", "odd"), "--corpus odd: no such corpus; there are: talk"),
        (("--only", "SDT", "--table"), "--only chooses what is run, and --table runs nothing"),
    ],
)
def test_what_does_not_go_together(arguments, message, models, untouched):
    untouched()
    assert message in models(*QUICK, *arguments).complaint


def test_a_corpus_of_a_table_is_not_replaced(models, untouched):
    untouched()
    assert "leave --data out" in models(*QUICK, "--data", "corpus").complaint


@pytest.mark.parametrize(
    ("old", "new", "message"),
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
def test_nothing_is_written_where_anything_is_wrong_in_a_table(
    old, new, message, models, untouched
):
    (models / "models.toml").write_text(MODELS.replace(old, new))
    untouched()
    assert message in models(*QUICK).complaint


def test_a_damaged_record_is_refused(models):
    models.ok(*QUICK, "--only", "alone", "--seeds", "1")
    models.ok(*QUICK, "--only", "SDT", "--seeds", "1")
    for path in summaries(models):
        found = json.loads(path.read_text())
        if found["evaluation"] == "global":
            path.write_text(json.dumps(found | {"test_accuracy": found["test_accuracy"] + 0.01}))
    message = models(*QUICK, "--seeds", "1", "--table").complaint
    assert "test_accuracy is " in message
    assert "its figures do not belong together; delete the folder to run it again" in message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("model.roles", "model.rolls", "parts.toml: row `no roles`: model: rolls: no such setting"),
        ("model.roles=false", "data=none", "no roles seed 0: none: not a corpus folder"),
        ("seeds = 2", "seeds = 2\nspeeds = 3", "parts.toml: speeds: no such setting; known here: "),
    ],
)
def test_nothing_is_written_where_anything_is_wrong_in_an_ablation(
    old, new, message, parts, untouched
):
    (parts / "parts.toml").write_text(ABLATION.replace(old, new))
    untouched()
    assert message in parts(*ABLATE).complaint


def test_a_row_that_diverges_is_shown_as_failed_and_the_others_go_on(parts):
    diverging = ABLATION.replace("model.roles=false", "training.learning_rate=1e30").replace(
        "=2", "=4"
    )
    (parts / "parts.toml").write_text(diverging)
    done = parts(*ABLATE, "--seeds", "1")
    assert (done.code, done.err) == (1, "1 run failed; the same command tries again\n")
    message = " ".join(done.out.split())
    assert "no roles seed 0: failed: " in message
    assert "- Failed: no roles seed 0: " in message
    assert len(summaries(parts)) == 1
    again = json.loads(parts.ok("ablate", "parts.toml", "--seeds", "1", "--table", "--json"))
    assert [row["verdict"] for row in again["parts"]] == ["base", "failed"]
