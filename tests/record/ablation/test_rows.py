from collections.abc import Callable

import pytest

from fedaffect.record.ablation.plan import Ablation
from fedaffect.record.ablation.rows import notes, tabulate

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


@pytest.mark.parametrize("key", ["evaluation", "corpus"])
def test_only_like_is_compared_with_like(key: str, ablation: Ablation, finish: Finish) -> None:
    finish(0, [0.60])
    finish(1, [0.61], **{key: "other"})
    _, roles, _ = tabulate(ablation)
    assert (roles.verdict, roles.difference) == (f"not comparable: another {key}", None)


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
