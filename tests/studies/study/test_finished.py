import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fedaffect.errors import UserError
from fedaffect.studies.study.entries import Entry
from fedaffect.studies.study.finished import FinishedRun

# Of 6 calm utterances 4 are recognised, of 4 of joy 2.
MIXED = [[[3, 1], [0, 2]], [[1, 1], [2, 0]]]


@pytest.fixture
def folder(talk: tuple[Entry, ...], finish: Callable[..., None]) -> Path:
    finish(talk[0], [MIXED])
    return talk[0].candidates[""].jobs(1)[0].folder


def test_scores_by_hand(folder: Path) -> None:
    """Calm is answered 6 times, joy 4 times: F1 = 2·4 / (6 + 6) and 2·2 / (4 + 4)."""
    run = FinishedRun.read(folder)
    assert run.recall.tolist() == pytest.approx([4 / 6, 2 / 4])
    assert run.f1.tolist() == pytest.approx([2 / 3, 1 / 2])
    assert run.outcome.score == pytest.approx(0.6 * 2 / 3 + 0.4 * 1 / 2)
    assert run.summary["test_accuracy"] == pytest.approx(6 / 10)


def test_what_is_confused_by_hand(folder: Path) -> None:
    """2 of 6 calm utterances are taken for joy, 2 of 4 of joy for calm; a pair without fury is left out."""
    shares = FinishedRun.read(folder).shares_confused([("calm", "joy"), ("calm", "fury")])
    assert shares == pytest.approx(
        {"calm or joy": 4 / 10, "calm as joy": 2 / 6, "joy as calm": 2 / 4}
    )


@pytest.mark.parametrize("figure", ["test_accuracy", "test_weighted_f1"])
def test_a_score_that_its_confusion_does_not_give_is_refused(figure: str, folder: Path) -> None:
    path = folder / "summary.json"
    summary = json.loads(path.read_text())
    path.write_text(json.dumps(summary | {figure: summary[figure] + 1e-10}))
    FinishedRun.read(folder)
    path.write_text(json.dumps(summary | {figure: summary[figure] + 1e-8}))
    with pytest.raises(UserError, match=f"seed-0: {figure} is 0.6000.*by its confusion.*; delete"):
        FinishedRun.read(folder)


def test_classes_are_held_to_the_same(talk: tuple[Entry, ...], finish: Callable[..., None]) -> None:
    finish(talk[0], [MIXED], f1=[2 / 3, 0.6])
    with pytest.raises(UserError, match=r"seed-0: F1 of joy is 0\.60+, but 0\.50+ by"):
        FinishedRun.read(talk[0].candidates[""].jobs(1)[0].folder)


def test_an_altered_record_is_refused(folder: Path) -> None:
    events = folder / "events.jsonl"
    events.write_text(events.read_text().replace("calm", "mild"))
    with pytest.raises(UserError, match=r"events\.jsonl"):
        FinishedRun.read(folder)


def test_models_of_clients_have_no_one_confusion(
    talk: tuple[Entry, ...], finish: Callable[..., None]
) -> None:
    finish(talk[2], [MIXED], evaluation="local", test_accuracy=0.9)
    run = FinishedRun.read(talk[2].candidates[""].jobs(1)[0].folder)
    assert (run.summary["test_accuracy"], run.outcome.confusion) == (0.9, None)
