import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fedaffect.studies.compare.comparison import Comparison, as_json, compare
from fedaffect.studies.paired import CONVERSATIONS

MakeRun = Callable[..., Path]


def compared(*folders: Path) -> Comparison:
    return compare(folders)[0]


def test_within_one_evaluation_and_against_the_first(make_run: MakeRun) -> None:
    """Both count the same confusions, so the interval is a point at 0."""
    found = compared(
        make_run("one"), make_run("two", gain=0.1, settings=("training.batch_size=8",))
    )
    assert found.runs == ("one", "two")
    assert found.settings == {"training.batch_size": [16, 8]}
    assert [mode.name for mode in found.modes] == ["global", "personal"]
    base, run = found.modes[0].scored
    assert (base.verdict, base.difference, base.class_differences) == ("base", None, {})
    assert run.difference is not None
    assert run.difference.mean == pytest.approx(0.1)
    assert (run.difference.low, run.difference.over) == (0.0, CONVERSATIONS)
    assert set(run.class_differences.values()) == {0.0}
    assert run.interval is not None
    assert found.facts["one"]["bytes_up"] == 2_450_000 * 14 + 400
    assert found.facts["one"]["stability_sd_last_5"] == 0.012
    assert found.modes[1].scored[1].verdict == "one seed: no interval"


def test_runs_that_were_judged_in_other_ways_meet_where_they_can(make_run: MakeRun) -> None:
    own = ("local", "prototype", "personal")
    found = compared(make_run("a"), make_run("b", modes=own), make_run("c", modes=own))
    judged = {mode.name: [run.run for run in mode.scored] for mode in found.modes}
    assert judged == {
        **{"global": ["a"], "personal": ["a", "b", "c"]},
        **{"local": ["b", "c"], "prototype": ["b", "c"]},
    }


def test_another_corpus_has_no_difference(make_run: MakeRun) -> None:
    found = compared(make_run("a"), make_run("b", classes=("calm", "joy")))
    run = found.modes[0].scored[1]
    assert (run.verdict, run.difference) == ("not comparable: another corpus", None)
    assert run.class_differences == {}


def test_without_a_common_seed_nothing_is_paired(make_run: MakeRun) -> None:
    found = compared(make_run("a"), make_run("b", seed=1))
    assert found.modes[0].scored[1].verdict == "no seed in common"


def test_json_has_the_names_that_it_always_had(make_run: MakeRun) -> None:
    found = json.loads(as_json(compared(make_run("a"), make_run("b"))))
    assert list(found) == [
        *("runs", "warnings", "synthetic", "facts", "settings", "modes", "commands"),
    ]
    pair = found["modes"][1]["clients"][0]["pairs"][0]
    assert list(pair) == ["seed", "client", "name", "volume", "kind", "heard", "base", "run"]
    assert pair["heard"] == "never selected in either"
