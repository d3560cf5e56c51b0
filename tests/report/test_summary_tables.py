from collections.abc import Callable
from pathlib import Path

from fedaffect.record.summary import read_summary
from fedaffect.report.summary_tables import facts, scores


def test_the_scores_of_a_run_by_evaluation_and_split(make_run: Callable[..., Path]) -> None:
    table = scores(read_summary(make_run()))
    assert [row[0] for row in table.rows] == [
        *("global, test", "global, dev", "personal, test", "personal, dev"),
    ]
    assert [row[-1] for row in table.rows] == ["0.052", "–", "0.052", "–"]


def test_facts_are_all_else(make_run: Callable[..., Path]) -> None:
    found = dict(facts(read_summary(make_run())).rows)
    assert (found["finished"], found["parameters"], found["time"]) == (
        "yes",
        "123,456",
        "1 min 15 s",
    )
    assert found["bytes up"] == "34.3 MB"
    assert not any("weighted" in name for name in found)
