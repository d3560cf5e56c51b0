"""From recordings and from a table of windows to a forest that judges a stranger: the way of a user."""

import csv
import io
import json

import numpy as np
import pytest


@pytest.fixture
def worn(place):
    """Eight people's E4 exports: calm, then aroused. And one of somebody who was never asked."""
    random = np.random.default_rng(0)
    for number in range(9):
        folder = place / ("new" if number == 8 else "week") / f"p{number}_E4_Data"
        folder.mkdir(parents=True)
        eda = np.repeat([1 + number / 10, 5 + number / 10], 4 * 60) + random.normal(0, 0.05, 480)
        warm = 33 + random.normal(0, 0.1, 480)
        for name, samples in (("EDA", eda), ("TEMP", warm)):
            lines = [1.5e9, 4, *samples.round(3)]
            (folder / f"{name}.csv").write_text("\n".join(map(str, lines)))
        if number < 8:
            (folder / "labels.csv").write_text("start,end,label\n0,60,calm\n60,120,aroused\n")
    return place


@pytest.fixture
def table(place):
    """The same told by somebody else, as a table."""
    random = np.random.default_rng(0)
    rows = [
        f"{who},{state},{random.normal(10 * (state == 'aroused')):.3f},{random.normal(33):.3f},{20 + who}"
        for who in range(8)
        for state in ("calm", "aroused") * 6
    ]
    (place / "windows.csv").write_text("\n".join(["subject,state,EDA_mean,TEMP_mean,age", *rows]))
    return place


def test_recordings_are_imported_checked_described_learnt_from_and_judged(worn):
    said = worn.ok("data", "import", "week", "--window", "10", "--out", "data/week")
    assert said.startswith("data/week: 96 items, each by itself\nread as body signals: sensor")
    assert "split by person with seed 0: 2 for dev, 2 for test" in said
    assert worn.ok("data", "check", "data/week") == "data/week: nothing wrong\n"
    described = json.loads(worn.ok("data", "describe", "data/week", "--json"))
    assert {s: part["persons"] for s, part in described["splits"].items()} == {
        "train": 4,
        "dev": 2,
        "test": 2,
    }
    worn.ok("run", "in-vehicle-body", "--data", "data/week", "--out", "runs/body")
    summary = json.loads((worn / "runs/body/summary.json").read_text())
    assert (summary["clients"], summary["algorithm"]) == (4, "forest")
    assert summary["test_accuracy"] > 0.9

    asked = ("--classes", "calm,aroused", "--window", "10", "--out", "data/new")
    assert "12 items" in worn.ok("data", "import", "new", *asked)
    rows = list(csv.DictReader(io.StringIO(worn.ok("predict", "runs/body", "--data", "data/new"))))
    assert rows[0]["conversation"] == "p8_E4_Data from 0 s"
    assert [row["predicted"] for row in rows] == ["calm"] * 6 + ["aroused"] * 6


def test_a_table_of_windows_is_learnt_from_alike(table):
    columns = ("--person", "subject", "--label", "state", "--modalities", "EDA,TEMP")
    said = table.ok("data", "import", "windows.csv", *columns, "--out", "data/windows")
    assert "not read: age" in said
    assert table.ok("data", "check", "data/windows") == "data/windows: nothing wrong\n"
    table.ok("run", "in-vehicle-body", "--data", "data/windows", "--out", "run")
    assert json.loads((table / "run/summary.json").read_text())["test_accuracy"] > 0.9


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ([], r"windows\.csv: conversation: no such column; .* table of windows .* --person COLUMN"),
        (
            ["--person", "who"],
            r"windows\.csv: who: no such column; name it with --person; there are",
        ),
        (["--person", "subject"], r"windows\.csv: label: no such column; name it with --label"),
        (
            ["--person", "subject", "--label", "state"],
            r"windows\.csv: age: one value for each person: .*--leave-out 'age'",
        ),
        (
            ["--person", "subject", "--label", "age"],
            r"windows\.csv: line 2: state: 'calm' is no number; mend the cell, or leave",
        ),
        (["--person", "subject", "--label", "state", "--window", "9"], r"--window: only for rec"),
        (
            ["--person", "subject", "--label", "state", "--leave-out", "age", "--test", "8"],
            r"2 persons for dev and 8 for test of 8; leave at least one",
        ),
    ],
)
def test_a_table_that_was_not_told_of_rightly(asked, complaint, table, match, untouched):
    untouched()
    match(complaint, table("data", "import", "windows.csv", *asked, "--out", "made").complaint)


@pytest.mark.parametrize(
    ("table", "content", "complaint"),
    [
        ("EDA.csv", "1.5e9\n4\n1\nhigh\n", r"EDA\.csv: no table of numbers"),
        ("EDA.csv", "1.5e9\n4000000\n1\n2\n", r"EDA\.csv: rate 4e\+06 Hz: give one of 0\.5 to"),
        ("labels.csv", "start,end,label\n0,60,calm\n50,90,calm\n", r"label `calm` .* overlaps"),
        ("labels.csv", "from,to,label\n", r"labels\.csv: line 1 is not `start,end,label`"),
    ],
)
def test_a_recording_that_is_damaged(table, content, complaint, worn, match, untouched):
    (worn / "week" / "p3_E4_Data" / table).write_text(content)
    untouched()
    match(complaint, worn("data", "import", "week", "--out", "made").complaint)
