from collections.abc import Callable
from pathlib import Path

import pytest

from fedaffect.studies.compare.cautions import warnings
from fedaffect.studies.compare.runs import compared_runs

MakeRun = Callable[..., Path]


def test_like_with_like_needs_no_warning(make_run: MakeRun) -> None:
    assert warnings(compared_runs([make_run("a"), make_run("b", gain=0.1)])) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modes": ("local", "personal")}, "evaluations differ (global, local)"),
        ({"settings": ("partition.name=person",)}, "partition differs (iid, person)"),
        (
            {"settings": ("conditions.lost=0.1",)},
            "conditions differ (a: none. b: 10 % of the updates are lost on their way): what they cost",
        ),
        ({"clients": 5}, "training part is split differently (a: 4 clients, b: 5 clients)"),
        ({"settings": ("training.local_epochs=3",)}, "passes over the training data differ (a 3"),
        ({"seed": 1}, "seeds differ (a 0; b 1): only those in common are paired"),
    ],
)
def test_what_must_be_known(options: dict[str, object], message: str, make_run: MakeRun) -> None:
    found = warnings(compared_runs([make_run("a"), make_run("b", **options)]))
    assert any(message in line for line in found), found


def test_one_client_alone_has_no_split_of_its_own(make_run: MakeRun) -> None:
    found = warnings(compared_runs([make_run("a"), make_run("b", clients=1)]))
    assert not any("split" in line for line in found)


def test_one_name_for_two_contents(make_run: MakeRun) -> None:
    a, b = compared_runs([make_run("a"), make_run("b")])
    b.history.start["corpus"]["sha256"] = "cd" * 32
    (line,) = warnings([a, b])
    assert line.startswith("corpus differs in its contents (SHA-256 abababababab, cdcdcdcdcdcd)")


def test_seeds_that_have_not_finished(make_run: MakeRun) -> None:
    folder = make_run("many/seed-0").parent
    make_run("many/seed-1", seed=1, finished=False)
    found = warnings(compared_runs([make_run("a"), folder]))
    assert "many: only 1 seed finished" in found
