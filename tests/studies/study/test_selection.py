import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fedaffect.errors import UserError
from fedaffect.runs import failures
from fedaffect.studies.study.entries import Entry
from fedaffect.studies.study.plan import load
from fedaffect.studies.study.selection import choose, chosen_of, final_jobs, trials, tuning_jobs

Finish = Callable[..., None]
Rows = tuple[Entry, ...]
RIGHT, WRONG = [[[2, 0], [0, 2]]], [[[0, 2], [2, 0]]]


def test_the_best_on_dev_is_chosen_whatever_test_says(talk: Rows, finish: Finish) -> None:
    """The better on dev is the worse on test, and stays chosen when test is turned round, or gone."""
    tuned = talk[1]
    finish(tuned, [RIGHT], "slow", dev=0.60)
    finish(tuned, [WRONG], "fast", dev=0.61)
    before = trials(tuned)
    assert (choose(before), [trial.score for trial in before]) == ("fast", [0.60, 0.61])
    for keep in (lambda score: 1 - score, None):
        for variant in tuned.candidates.values():
            folder = variant.jobs(1)[0].folder
            summary = json.loads((folder / "summary.json").read_text())
            scores = {k: v for k, v in summary.items() if k.startswith("test_")}
            rest = {k: v for k, v in summary.items() if k not in scores}
            turned = {k: keep(v) for k, v in scores.items()} if keep else {}
            (folder / "summary.json").write_text(json.dumps(rest | turned))
            (folder / "events.jsonl").unlink(missing_ok=True)
        assert trials(tuned) == before


def test_first_every_candidate_then_the_chosen_with_all_seeds(talk: Rows, finish: Finish) -> None:
    assert [job.title for job in tuning_jobs(talk)] == [
        *(
            "plain talk seed 0",
            "tuned & more (slow) talk seed 0",
            "tuned & more (fast) talk seed 0",
        ),
        *("alone talk seed 0", "plain talk seed 1", "alone talk seed 1"),
    ]
    assert final_jobs(talk) == []
    finish(talk[1], [RIGHT], "slow", dev=0.5)
    assert chosen_of(talk[1]) is None
    finish(talk[1], [RIGHT], "fast", dev=0.6)
    assert [job.title for job in final_jobs(talk)] == [
        "tuned & more (fast) talk seed 1",
        "tuned & more (fast) talk seed 2",
    ]


def test_further_seeds_of_the_chosen_do_not_change_the_choice(talk: Rows, finish: Finish) -> None:
    finish(talk[1], [RIGHT], "slow", dev=0.5)
    finish(talk[1], [RIGHT], "fast", dev=0.6)
    last = talk[1].candidates["fast"].jobs(3)[2].folder
    last.mkdir()
    (last / "summary.json").write_text(json.dumps({"dev_weighted_f1": 0.0}))
    assert choose(trials(talk[1])) == "fast"


def test_a_candidate_that_failed_is_passed_over(talk: Rows, finish: Finish) -> None:
    finish(talk[1], [RIGHT], "slow", dev=0.5)
    failures.note(talk[1].candidates["fast"].jobs(1)[0].folder, "diverged")
    slow, fast = trials(talk[1])
    assert (choose([slow, fast]), fast.failed, fast.score) == ("slow", {0: "diverged"}, None)
    assert choose([fast, fast]) is None


def test_of_equals_the_first(talk: Rows, finish: Finish) -> None:
    for name in ("slow", "fast"):
        finish(talk[1], [RIGHT], name, dev=0.5)
    assert choose(trials(talk[1])) == "slow"


def test_where_there_is_one_there_is_no_choice(talk: Rows) -> None:
    assert choose(trials(talk[0])) == ""


def test_a_damaged_summary_names_file_and_cure(talk: Rows) -> None:
    folder = talk[0].candidates[""].jobs(1)[0].folder
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text("{}")
    with pytest.raises(
        UserError, match=r"summary.json: no `dev_weighted_f1`; delete .*seed-0 to run"
    ):
        trials(talk[0])


def test_one_corpus_may_choose_for_all(
    write: Callable[..., Path], tmp_path: Path, finish: Finish
) -> None:
    """What was tried is message on every page; on other corpora only the chosen candidate is run."""
    asked = load(write("seeds = 2\n", 'seeds = 2\ntune_on = "talk"\n'), tmp_path / "out")
    talk, text = (asked.entries[corpus][1] for corpus in ("talk", "text"))
    titles = [job.title for job in tuning_jobs([text])]
    assert titles == [f"tuned & more ({name}) talk seed 0" for name in ("slow", "fast")]
    finish(talk, [RIGHT], "slow", dev=0.7)
    finish(talk, [RIGHT], "fast", dev=0.6)
    assert trials(text) == trials(talk)
    assert [job.title for job in final_jobs([text])] == [
        f"tuned & more (slow) text seed {seed}" for seed in range(3)
    ]


def test_the_corpus_that_chooses_is_known_without_being_asked_for(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    path = write("seeds = 2\n", 'seeds = 2\ntune_on = "text"\n')
    asked = load(path, tmp_path / "out", corpora=["talk"])
    assert [*asked.entries] == ["talk"]
    tuned_on = asked.entries["talk"][1].tuned_on
    assert tuned_on is not None
    assert tuned_on.corpus == "text"
    assert [entry.tuned_on for entry in asked.entries["talk"]][::2] == [None, None]


@pytest.mark.parametrize(
    ("replaced", "trouble"),
    [
        (("seeds = 2\n", 'seeds = 2\ntune_on = "song"\n'), "tune_on: `song`"),
        (
            (
                *("seeds = 2\n", 'seeds = 2\ntune_on = "talk"\n'),
                *("seeds = 3\n", 'seeds = 3\ncorpora = ["text"]\n'),
            ),
            "not run on `talk`",
        ),
    ],
)
def test_a_corpus_that_cannot_choose_is_refused(
    write: Callable[..., Path], tmp_path: Path, replaced: tuple[str, ...], trouble: str
) -> None:
    with pytest.raises(UserError, match=trouble):
        load(write(*replaced), tmp_path / "out")
