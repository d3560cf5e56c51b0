from collections.abc import Callable
from pathlib import Path

from fedaffect.federation import events as chain
from fedaffect.record.history import History
from fedaffect.report.disclosure import crossings, warnings_about

MakeRun = Callable[..., Path]


def test_declared_names_are_grouped_by_way_and_kind(make_run: MakeRun) -> None:
    groups = crossings(History.read(make_run()))
    assert [(g.direction, g.kind, g.tensors) for g in groups] == [
        ("up", "prototype", 1),
        ("up", "model", 2),
        ("down", "model", 1),
    ]
    assert groups[1].shapes == (((64, 3), "float32"), ((6, 64), "float32"))
    assert not groups[1].more
    assert crossings(History.read(make_run("again")), at_most=1)[1].more
    assert (groups[1].sent, groups[2].sent) == (33_600_000, None)


def test_the_warning_follows_what_was_sent(make_run: MakeRun) -> None:
    text = " ".join(warnings_about(History.read(make_run())))
    assert "Class prototypes are means" in text
    assert "Model weights can be inverted" in text
    assert "Feature statistics" in text
    assert "losses and the number of utterances" in text


def test_baselines_are_called_what_they_are(make_run: MakeRun) -> None:
    central = History.read(make_run("a", settings=("algorithm.name=centralised",)))
    assert "all data lay in one place" in warnings_about(central)[0]
    assert crossings(central) == []
    alone = [
        event | ({"declared": []} if event["kind"] == "run_started" else {})
        for event in chain.read(make_run("b") / "events.jsonl")
        if event["kind"] not in ("client_finished", "statistics_finished")
    ]
    assert warnings_about(History.of(alone)) == ["Clients sent nothing: each trained alone."]


def test_statistics_of_features_are_not_called_features(make_run: MakeRun) -> None:
    declared = [
        {"name": f"features/audio/{part}", "shape": [8], "dtype": "float64", "direction": "up"}
        for part in ("mean", "mean_square")
    ]
    history = History.of(
        event | ({"declared": declared} if event["kind"] == "run_started" else {})
        for event in chain.read(make_run() / "events.jsonl")
    )
    (group,) = crossings(history)
    assert (group.kind, group.tensors, group.sent) == ("statistics", 2, 400)
    assert not any(line.startswith("Features ") for line in warnings_about(history))


def test_scalars_that_tell_about_a_client_are_warned_of(make_run: MakeRun) -> None:
    scalars = {"task": 1.0, "distance/happy": 0.4, "count/happy": 7.0}
    history = History.of(
        event | ({"scalars": scalars} if event["kind"] == "client_finished" else {})
        for event in chain.read(make_run() / "events.jsonl")
    )
    text = " ".join(warnings_about(history))
    assert "how unlike the others" in text
    assert "Counts by class" in text
    assert "Task" not in text


def test_what_was_not_recorded_must_be_assumed(make_run: MakeRun) -> None:
    history = History.read(make_run(record="rounds"))
    assert [(g.kind, g.sent) for g in crossings(history) if g.direction == "up"] == [
        ("prototype", None),
        ("model", None),
    ]
    text = " ".join(warnings_about(history))
    assert "What each client sent was not recorded" in text
    assert "Model weights can be inverted" in text
    assert "Clients sent nothing" not in text
