from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fedaffect.record.history import History
from fedaffect.report.plots.movement import alignment, drift, prototype_weights, separation

MakeRun = Callable[..., Path]


@pytest.fixture
def moving(make_run: MakeRun) -> History:
    """Rounds with drift and separation; in each, clients 1 to 3 judge two classes."""
    history = History.read(make_run(settings=("algorithm.count_power=1.0",)))
    events: list[dict[str, Any]] = []
    for event in (*history.events, *history.latest):
        extra: dict[str, Any] = {}
        if event["kind"] == "round_finished":
            number = event["round"]
            extra["drift"] = {
                "client": [1, 2, 3],
                "length": [1.0 * number, 2.0 * number, 3.0 * number],
                "cosine": [0.5, 0.25, 0.0],
            }
            extra["measures"] = {"nearest_other_class": 1.0 + 0.1 * number}
        if event["kind"] == "client_finished":
            client = event["client"]
            scores = {"score/sad": 1.0 if client < 3 else 0.0, "count/sad": float(client)}
            extra["scalars"] = {**scores, "within_class": 0.1 * client}
        events.append({**event, **extra})
    return History.of(sorted(events, key=lambda e: e["n"]))


def test_drift_tells_the_median_over_clients(moving: History) -> None:
    drawing = drift(moving)
    assert drawing is not None
    assert "median 2.000 at first, 10.000 at last" in drawing.description


def test_alignment_is_of_cosines(moving: History) -> None:
    drawing = alignment(moving)
    assert drawing is not None
    assert "median 0.250 at first, 0.250 at last" in drawing.description


def test_separation_stands_beside_the_spread_within(moving: History) -> None:
    """Clients 1 to 3 tell 0.1, 0.2 and 0.3 in every round; there are five rounds."""
    drawing = separation(moving)
    assert drawing is not None
    assert "1.500 at last" in drawing.description
    assert "utterances lie 0.200 from" in drawing.description
    assert moving.separation(5) == pytest.approx(1.5 / 0.2)
    assert moving.separation(6) is None


def test_a_client_that_scores_nothing_has_no_part(moving: History) -> None:
    """Counts 1 and 2 with score 1, the third client with score 0: at most two thirds."""
    drawing = prototype_weights(moving)
    assert drawing is not None
    assert "at most 0.67; even would be 0.33" in drawing.description


def test_where_nothing_moves_nothing_is_drawn(make_run: MakeRun) -> None:
    history = History.read(make_run())
    assert drift(history) is None
    assert alignment(history) is None
    assert separation(History.read(make_run("none", rounds=0, finished=False))) is None
    assert prototype_weights(history) is None
