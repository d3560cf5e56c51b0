from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.studies.compare.runs import compared_runs

MakeRun = Callable[..., Path]


def test_runs_and_folders_of_seeds(make_run: MakeRun) -> None:
    one, many = make_run("one"), make_run("many/seed-0").parent
    make_run("many/seed-1", seed=1)
    make_run("many/seed-2", seed=2, finished=False)
    first, second = compared_runs([one, many])
    assert (first.name, list(first.histories)) == ("one", [0])
    assert (second.name, list(second.histories)) == ("many", [0, 1])
    assert first.modes == ["global", "personal"]
    outcomes = second.outcomes("global")
    assert [outcomes[seed].score for seed in (0, 1)] == [
        second.summaries[seed]["test_weighted_f1"] for seed in (0, 1)
    ]
    assert outcomes[0].confusion is not None
    assert second.outcomes("personal")[0].confusion is None


def test_means_over_seeds_by_hand(make_run: MakeRun) -> None:
    folder = make_run("many/seed-0").parent
    make_run("many/seed-1", seed=1, rounds=3, gain=0.1)
    run, _ = compared_runs([folder, make_run("other")])
    rounds, values = run.dev_curve("global")
    assert rounds == [1, 2, 3]
    assert values == pytest.approx([0.68 - 0.45 * 0.8**n + 0.05 for n in rounds])
    each = [h.finish["test"]["global"]["f1"] for h in run.histories.values() if h.finish]
    assert list(run.class_f1("global").values()) == pytest.approx(np.mean(each, axis=0))


def test_passes_over_the_data_by_hand(make_run: MakeRun) -> None:
    """Three of four clients are in every round of five, with two epochs each."""
    run, _ = compared_runs(
        [make_run("one", settings=("training.local_epochs=2",)), make_run("two")]
    )
    volumes = [client["volume"] for client in run.history.start["clients"]]
    assert run.passes == pytest.approx(2 * 5 * sum(volumes[1:]) / sum(volumes))


def test_one_client_that_holds_all_is_not_judged_personally(make_run: MakeRun) -> None:
    run, _ = compared_runs([make_run("one", clients=1), make_run("two")])
    assert run.modes == ["global"]


def test_folders_of_one_name_go_by_their_paths(make_run: MakeRun) -> None:
    folders = [make_run("a/run"), make_run("b/run")]
    assert [run.name for run in compared_runs(folders)] == [str(folder) for folder in folders]


def test_what_cannot_be_compared_is_refused(make_run: MakeRun) -> None:
    one, begun = make_run("one"), make_run("begun", finished=False)
    with pytest.raises(UserError, match="two or more"):
        compared_runs([one])
    with pytest.raises(UserError, match="given twice"):
        compared_runs([one, one / ".." / "one"])
    with pytest.raises(UserError, match="begun: has not finished"):
        compared_runs([one, begun])
    with pytest.raises(UserError, match="give the folder of a run"):
        compared_runs([one, one.parent / "nowhere"])


def test_a_link_is_called_as_it_is_called(make_run: Callable[..., Path], tmp_path: Path) -> None:
    """Runs kept by what they are have no telling names."""
    plain, kept = make_run("plain"), make_run("0a1b2c")
    (tmp_path / "tried").symlink_to(kept)
    assert [run.name for run in compared_runs([plain, tmp_path / "tried"])] == ["plain", "tried"]
