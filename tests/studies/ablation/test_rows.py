from collections.abc import Callable

import pytest

from fedaffect.federation.events import EventLog
from fedaffect.runs import failures
from fedaffect.studies.ablation.plan import Ablation
from fedaffect.studies.ablation.rows import notes, tabulate
from fedaffect.studies.paired import JOINT, SEEDS

Finish = Callable[..., None]


def test_means_spreads_and_differences_by_hand(ablation: Ablation, finish: Finish) -> None:
    finish(0, [0.60, 0.62, 0.64])
    finish(1, [0.58, 0.599, 0.621])
    finish(2, [0.61, 0.64, 0.67])
    base, roles, alone = tabulate(ablation)
    assert (base.verdict, base.difference, base.finished) == ("base", None, 3)
    assert base.measures["weighted_f1"] == pytest.approx(0.62)
    assert base.measures["weighted_f1_sd"] == pytest.approx(0.02)
    assert base.measures["macro_f1"] == pytest.approx(0.60)
    assert (base.measures["uar"], base.measures["seconds"]) == (0.5, 75.0)
    assert base.measures["personal_weighted_f1"] == pytest.approx(0.7)
    assert base.measures["stability_sd_last_5"] == pytest.approx(0.012)
    assert roles.difference is not None
    assert (roles.verdict, roles.difference.mean) == ("worse", pytest.approx(-0.02))
    assert alone.verdict == "no difference shown"
    assert base.scores == {0: 0.60, 1: 0.62, 2: 0.64}
    assert base.runs == f"cache/{ablation.variants[0].folder.name}"


def test_what_has_not_finished_is_there_as_missing(ablation: Ablation, finish: Finish) -> None:
    finish(0, [0.60, 0.62, 0.64])
    finish(1, [0.61])
    base, roles, alone = tabulate(ablation)
    assert roles.difference is not None
    assert (roles.finished, roles.verdict) == (1, "one seed: no interval")
    assert roles.difference.mean == pytest.approx(0.01)
    assert roles.scores == {0: 0.61, 1: None, 2: None}
    assert (alone.finished, alone.verdict, alone.measures["weighted_f1"]) == (0, "missing", None)
    assert "Not finished: no | roles (1 of 3), alone (0 of 3)." in notes(
        ablation, [base, roles, alone]
    )


def test_without_the_base_there_is_nothing_to_compare_with(
    ablation: Ablation, finish: Finish
) -> None:
    finish(1, [0.61])
    base, roles, _ = tabulate(ablation)
    assert (base.verdict, roles.verdict) == ("missing", "no seed in common with the base")


def test_another_corpus_is_another_task(ablation: Ablation, finish: Finish) -> None:
    finish(0, [0.60])
    finish(1, [0.61], corpus="other")
    _, roles, _ = tabulate(ablation)
    assert (roles.verdict, roles.difference) == ("not comparable: another corpus", None)


def test_each_evaluation_has_a_base(ablation: Ablation, finish: Finish) -> None:
    finish(0, [0.60, 0.61])
    finish(1, [0.41, 0.42], evaluation="local")
    finish(2, [0.46, 0.47], evaluation="local")
    whole, roles, alone = tabulate(ablation)
    assert (whole.verdict, roles.verdict, roles.difference) == ("base", "base", None)
    assert alone.difference is not None
    assert alone.difference.each == pytest.approx((0.05, 0.05))


def test_one_client_that_holds_all_has_no_personal_figure(
    ablation: Ablation, finish: Finish
) -> None:
    finish(0, [0.60], clients=1)
    assert tabulate(ablation)[0].measures["personal_weighted_f1"] is None


def test_variants_are_counted(ablation: Ablation, finish: Finish) -> None:
    finish(0, [0.60])
    said = notes(ablation, tabulate(ablation))
    assert said[0].startswith("2 variants tried against the base (all), 3 seeds each")
    assert any(note.startswith("Evaluation `global`: the shared model") for note in said)
    assert "Synthetic corpus" in said[-1]


def tell_conversations(ablation: Ablation, row: int, *right: int) -> None:
    """Let each seed's run tell of two conversations of four utterances, so many of a class told right."""
    for job, hits in zip(ablation.jobs(ablation.variants[row]), right, strict=False):
        counts = [[[hits, 2 - hits], [2 - hits, hits]]] * 2
        log = EventLog(job.folder / "events.jsonl")
        log.append("run_started")
        log.append("run_finished", confusion_by_conversation=counts)
        log.close()


def test_where_both_tell_of_conversations_the_interval_is_over_them_too(
    ablation: Ablation, finish: Finish
) -> None:
    """Every draw of conversations gives 1 - 0 for each seed, so the interval is a point."""
    for row, score in ((0, 0.0), (1, 1.0), (2, 1.0)):
        finish(row, [score, score])
    tell_conversations(ablation, 0, 0, 0)
    tell_conversations(ablation, 1, 2, 2)
    tell_conversations(ablation, 2, 2)
    rows = tabulate(ablation)
    assert rows[1].difference is not None
    assert rows[2].difference is not None
    assert (rows[1].difference.low, rows[1].difference.over) == (1.0, JOINT)
    assert rows[2].difference.over == SEEDS
    said = " ".join(notes(ablation, rows))
    assert "Interval over conversations and seeds" in said
    assert "Student's" in said


def test_a_run_that_failed_is_there_with_its_reason(ablation: Ablation, finish: Finish) -> None:
    finish(0, [0.60, 0.62])
    finish(1, [0.58, 0.60])
    for row, seed in ((1, 2), (2, 0)):
        folder = ablation.jobs(ablation.variants[row])[seed].folder
        failures.note(folder, f"diverged\nin row {row}")
    rows = tabulate(ablation)
    assert [row.verdict for row in rows] == ["base", "worse, 1 failed", "failed"]
    said = notes(ablation, rows)
    assert "Failed: no | roles seed 2: diverged in row 1" in said
    assert "Not finished: all (2 of 3), alone (0 of 3)." in said
    failures.forget(folder)
    assert tabulate(ablation)[2].verdict == "missing"
