from collections.abc import Callable

import pytest

from fedaffect.runs import failures
from fedaffect.studies.paired import JOINT, SEEDS
from fedaffect.studies.study.entries import Entry, Study
from fedaffect.studies.study.notes import notes
from fedaffect.studies.study.ranking import tabulate

Finish = Callable[..., None]
Rows = tuple[Entry, ...]
RIGHT, WRONG = [[[4, 0], [0, 2]], [[2, 0], [0, 2]]], [[[0, 4], [2, 0]], [[0, 2], [2, 0]]]
MIXED = [[[3, 1], [0, 2]], [[1, 1], [2, 0]]]


def test_means_spreads_and_differences_by_hand(ablation: Study, score: Finish) -> None:
    score(0, [0.60, 0.62, 0.64])
    score(1, [0.58, 0.599, 0.621])
    score(2, [0.61, 0.64, 0.67])
    base, roles, alone = tabulate(ablation)
    assert (base.verdict, base.difference, len(base.outcomes)) == ("base", None, 3)
    assert base.figures["weighted_f1"] == pytest.approx(0.62)
    assert base.figures["weighted_f1_sd"] == pytest.approx(0.02)
    assert base.figures["macro_f1"] == pytest.approx(0.60)
    assert (base.figures["uar"], base.figures["seconds"]) == (0.5, 75.0)
    assert base.figures["personal_weighted_f1"] == pytest.approx(0.7)
    assert base.figures["stability_sd_last_5"] == pytest.approx(0.012)
    assert roles.difference is not None
    assert (roles.verdict, roles.difference.mean) == ("worse", pytest.approx(-0.02))
    assert alone.verdict == "no difference shown"
    assert base.scores == {0: 0.60, 1: 0.62, 2: 0.64}
    assert base.runs == f"cache/{ablation.entries[''][0].candidates[''].folder.name}"


def test_what_has_not_finished_is_there_as_missing(ablation: Study, score: Finish) -> None:
    score(0, [0.60, 0.62, 0.64])
    score(1, [0.61])
    base, roles, alone = tabulate(ablation)
    assert roles.difference is not None
    assert (len(roles.outcomes), roles.verdict) == (1, "one seed: no interval")
    assert roles.difference.mean == pytest.approx(0.01)
    assert roles.scores == {0: 0.61, 1: None, 2: None}
    assert (len(alone.outcomes), alone.verdict, alone.figures["weighted_f1"]) == (
        0,
        "missing",
        None,
    )
    assert "Not finished: no | roles (1 of 3), alone (0 of 3)." in notes(
        ablation, "", [base, roles, alone]
    )


def test_without_the_base_there_is_nothing_to_compare_with(ablation: Study, score: Finish) -> None:
    score(1, [0.61])
    base, roles, _ = tabulate(ablation)
    assert (base.verdict, roles.verdict) == ("missing", "no seed in common with the base")


def test_another_corpus_is_another_task(ablation: Study, score: Finish) -> None:
    score(0, [0.60])
    score(1, [0.61], corpus="other")
    _, roles, _ = tabulate(ablation)
    assert (roles.verdict, roles.difference) == ("not comparable: another corpus", None)


def test_each_evaluation_has_a_base(ablation: Study, score: Finish) -> None:
    score(0, [0.60, 0.61])
    score(1, [0.41, 0.42], evaluation="local")
    score(2, [0.46, 0.47], evaluation="local")
    whole, roles, alone = tabulate(ablation)
    assert (whole.verdict, roles.verdict, roles.difference) == ("base", "base", None)
    assert alone.difference is not None
    assert alone.difference.each == pytest.approx((0.05, 0.05))


def test_one_client_that_holds_all_has_no_personal_figure(ablation: Study, score: Finish) -> None:
    score(0, [0.60], clients=1)
    assert tabulate(ablation)[0].figures["personal_weighted_f1"] is None


def test_variants_are_counted(ablation: Study, score: Finish) -> None:
    score(0, [0.60])
    message = notes(ablation, "", tabulate(ablation))
    assert message[0].startswith("2 variants tried against the base (all), 3 seeds each")
    assert any(note.startswith("Evaluation `global`: the shared model") for note in message)
    assert "Synthetic corpus" in message[-1]


def test_where_both_record_conversations_the_interval_is_over_them_too(
    ablation: Study, finish: Finish
) -> None:
    """Every draw of conversations gives 1 - 0 for each seed, so the interval is a point."""
    whole, roles, alone = ablation.entries[""]
    finish(whole, [WRONG, WRONG])
    finish(roles, [RIGHT, RIGHT])
    finish(alone, [RIGHT, RIGHT], conversations=False)
    rows = tabulate(ablation)
    assert rows[1].difference is not None
    assert rows[2].difference is not None
    assert (rows[1].difference.low, rows[1].difference.over) == (1.0, JOINT)
    assert rows[2].difference.over == SEEDS
    text = " ".join(notes(ablation, "", rows))
    assert "Interval over conversations and seeds" in text
    assert "Student's" in text


def test_a_run_that_failed_is_there_with_its_reason(ablation: Study, score: Finish) -> None:
    score(0, [0.60, 0.62])
    score(1, [0.58, 0.60])
    for row, seed in ((1, 2), (2, 0)):
        folder = ablation.entries[""][row].all_jobs[seed].folder
        failures.note(folder, f"diverged\nin row {row}")
    rows = tabulate(ablation)
    assert [row.verdict for row in rows] == ["base", "worse, 1 failed", "failed"]
    message = notes(ablation, "", rows)
    assert "Failed: no | roles seed 2: diverged in row 1" in message
    assert "Not finished: all (2 of 3), alone (0 of 3)." in message
    failures.forget(folder)
    assert tabulate(ablation)[2].verdict == "missing"


def test_the_best_and_what_the_others_fall_short_of_it_by(
    table: Study, talk: Rows, finish: Finish
) -> None:
    """Seeds 0 and 1 are paired: 0.6 - 1 in both, on every draw of conversations in one of them."""
    finish(talk[0], [MIXED, MIXED])
    finish(talk[1], [WRONG], "slow", dev=0.5)
    finish(talk[1], [RIGHT, RIGHT, RIGHT], "fast", dev=0.6)
    plain, tuned, alone = tabulate(table, "talk")
    assert (tuned.verdict, tuned.chosen, tuned.difference) == ("best", "fast", None)
    assert plain.difference is not None
    assert (plain.difference.mean, plain.difference.over) == (pytest.approx(-0.4), JOINT)
    assert (plain.difference.each, plain.verdict) == (pytest.approx((-0.4, -0.4)), "worse")
    assert (alone.verdict, alone.figures["weighted_f1"]) == ("missing", None)


def test_evaluations_are_never_compared(table: Study, talk: Rows, finish: Finish) -> None:
    finish(talk[0], [MIXED, MIXED])
    finish(talk[2], [RIGHT, MIXED], evaluation="local")
    plain, _, alone = tabulate(table, "talk")
    assert (plain.verdict, alone.verdict) == ("best of global", "best of local")
    assert (plain.difference, alone.difference) == (None, None)
    assert alone.interval is not None
    assert alone.interval.over == SEEDS


def test_candidates_of_which_none_is_chosen_yet(table: Study, talk: Rows, finish: Finish) -> None:
    finish(talk[1], [RIGHT], "slow")
    row = tabulate(table, "talk")[1]
    assert (row.verdict, row.chosen, row.scores, row.runs) == ("not chosen yet", None, {}, None)


def test_what_failed(table: Study, talk: Rows, finish: Finish) -> None:
    finish(talk[0], [MIXED])
    failures.note(talk[0].candidates[""].jobs(2)[1].folder, "diverged")
    for variant in talk[1].candidates.values():
        failures.note(variant.jobs(1)[0].folder, "diverged")
    failures.note(talk[2].candidates[""].jobs(1)[0].folder, "diverged")
    rows = tabulate(table, "talk")
    assert [row.verdict for row in rows] == ["best, 1 failed", "failed", "failed"]
    assert rows[0].failed == {1: "diverged"}


def test_the_first_of_equals_is_best(table: Study, talk: Rows, finish: Finish) -> None:
    for entry in (talk[0], talk[2]):
        finish(entry, [MIXED])
    assert [row.verdict for row in tabulate(table, "talk")] == [
        *("best", "not chosen yet", "no difference shown (one seed)")
    ]
