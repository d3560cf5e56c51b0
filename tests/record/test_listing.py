from collections.abc import Callable
from pathlib import Path

import pytest

from fedaffect.errors import UserError
from fedaffect.record.listing import listing, sparkline
from fedaffect.record.summary import write_summary

MakeRun = Callable[..., Path]


def test_runs_are_listed_with_their_state(make_run: MakeRun, tmp_path: Path) -> None:
    write_summary(make_run("a"))
    make_run("b", finished=False)
    make_run("c/seed-0")
    broken = make_run("d") / "events.jsonl"
    broken.write_text(broken.read_text().replace("2.4.6", "0").replace("late by", "late  by"))
    (tmp_path / "not-a-run").mkdir()

    found = listing(tmp_path)

    assert [(run.run, run.state, run.seeds) for run in found] == [
        ("a", "finished", 0),
        ("b", "unfinished", 0),
        ("c", "finished", 1),
        ("d", "unreadable", 0),
    ]
    assert found[0].test_weighted_f1 is not None
    assert found[1].test_weighted_f1 is None
    assert "was altered" in (found[3].trouble or "")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        listing(tmp_path / "nowhere")


def test_sparklines_run_from_least_to_greatest() -> None:
    assert sparkline([0.0, 0.5, 1.0]) == "▁▅█"
    assert sparkline([0.3, 0.3]) == "▁▁"
    assert sparkline([]) == ""
