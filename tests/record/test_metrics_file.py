import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from fedaffect.record.history import History
from fedaffect.record.metrics_file import metrics, write_metrics

MakeRun = Callable[..., Path]


def test_a_row_a_round_even_after_a_resume(make_run: MakeRun) -> None:
    path = write_metrics(make_run(resumed_at=3))
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["round"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert float(rows[0]["global_dev_weighted_f1"]) == pytest.approx(0.68 - 0.45 * 0.8)
    assert float(rows[0]["nearest_other_class"]) == pytest.approx(0.1)
    assert rows[1]["updates"] == "2"  # client 1 failed in round 2
    assert all(
        float(r["client_q1"]) <= float(r["client_median"]) <= float(r["client_q3"]) for r in rows
    )


def test_what_a_round_does_not_tell_is_an_empty_cell() -> None:
    start = {"kind": "run_started", "evaluations": ["global"], "clients": []}
    (row,) = metrics(History.of([start, {"kind": "round_finished", "round": 1, "loss": 2.0}]))
    assert (row["round"], row["loss"]) == (1, 2.0)
    assert row["global_dev_weighted_f1"] is row["client_median"] is row["bytes_up"] is None


def test_a_run_without_rounds_gives_an_empty_file(make_run: MakeRun) -> None:
    assert write_metrics(make_run(rounds=0, finished=False)).read_text() == ""


def test_rounds_that_were_not_recorded_are_no_rows(make_run: MakeRun) -> None:
    assert write_metrics(make_run(record="ends")).read_text() == ""
    assert len(write_metrics(make_run("other", record="rounds")).read_text().splitlines()) == 6
