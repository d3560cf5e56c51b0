import io

import pytest
from rich.console import Console
from rich.progress import Progress

from fedaffect.cli.progress import RunsProgress, _TimeLeft


def printed(*events: dict[str, object]) -> str:
    console = Console(width=200, file=io.StringIO())
    with RunsProgress(console, ["talk"], [20]) as progress:
        for event in events:
            progress(0, event)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_a_lost_round_is_told_with_its_reason_to_the_letter() -> None:
    """Reasons quote names of classes, which anybody may have chosen."""
    reason = "first failure: `distance/[/red]joy [link]` is not finite"
    message = printed({"kind": "round_lost", "round": 3, "reason": reason})
    assert message == f"talk: round 3 lost: {reason}\n"


def test_away_from_a_terminal_every_tenth_round_is_a_line() -> None:
    rounds = [
        {"kind": "round_finished", "round": number, "loss": 0.5, "seconds": 1.25}
        for number in range(1, 21)
    ]
    lines = printed(*rounds).splitlines()
    assert [line.split()[2] for line in lines] == [
        *("1/20", "2/20", "4/20", "6/20", "8/20", "10/20", "12/20", "14/20", "16/20", "18/20"),
        "20/20",
    ]
    assert lines[0] == "talk: round 1/20 · loss 0.500 · 1.2 s"


def test_the_dev_score_stands_with_its_evaluation() -> None:
    dev = {"global": {"weighted_f1": 0.6812}, "personal": {"weighted_f1": 0.9}}
    event = {"kind": "round_finished", "round": 1, "loss": 0.5, "seconds": 1.0, "score": 0.7}
    assert "dev weighted F1 0.681 (global)" in printed(event | {"dev": dev})


def seen(events: list[tuple[int, dict[str, object]]], runs: int) -> list[str]:
    """What stands on a terminal after some events of several runs of 4 rounds, a row a line."""
    console = Console(width=120, file=io.StringIO(), force_terminal=True, color_system=None)
    progress = RunsProgress(console, [f"run {n}" for n in range(runs)], [4] * runs)
    for position, event in events:
        if event["kind"] == "failed":
            progress.failed(position, str(event["reason"]))
        else:
            progress(position, event)
    with console.capture() as captured:
        console.print(progress._progress.get_renderable())
    return captured.get().splitlines()


def events_of(position: int, rounds: int, ends: bool) -> list[tuple[int, dict[str, object]]]:
    events: list[dict[str, object]] = [{"kind": "run_started"}]
    events += [
        {"kind": "round_finished", "round": number, "loss": 0.5, "seconds": 1.0}
        for number in range(1, rounds + 1)
    ]
    events += [{"kind": "run_finished"}] if ends else []
    return [(position, event) for event in events]


def test_of_many_runs_only_those_at_work_and_the_last_few_are_in_sight() -> None:
    events = [event for run in range(10) for event in events_of(run, 4, ends=True)]
    events += events_of(10, 1, ends=False) + events_of(11, 2, ends=False)
    lines = seen(events, runs=57)
    assert [line.split(" ━")[0].strip() for line in lines] == [
        *("all runs", "run 7", "run 8", "run 9", "run 10", "run 11"),
    ]
    assert "43/228" in lines[0]
    assert "10 of 57 runs done" in lines[0]


def test_runs_that_were_there_or_stopped_early_count_as_done() -> None:
    events = [(0, {"kind": "found"}), *events_of(1, 2, ends=True)]
    (total, *lines) = seen(events, runs=3)
    assert "8/12" in total
    assert "2 of 3 runs done" in total
    assert len(lines) == 1


def test_a_run_that_failed_is_told_and_counted() -> None:
    message = printed_of_two()
    assert "run [b]: failed: round 3 lost: [/red]" in message
    assert message.splitlines()[-1] == "1 of 2 runs done, 1 failed"


def printed_of_two() -> str:
    console = Console(width=200, file=io.StringIO())
    with RunsProgress(console, ["run a", "run [b]"], [4, 4]) as progress:
        progress(1, {"kind": "run_started"})
        progress.failed(1, "round 3 lost: [/red]")
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("completed", "before", "left"), [(0, 0, "-:--:--"), (2, 1, "0:04:00"), (4, 0, "0:00:00")]
)
def test_time_left_is_by_the_mean_pace(completed: int, before: int, left: str) -> None:
    """Two minutes for one round of two: two more at that pace are four."""
    clock = iter([0.0, *[120.0] * 9])
    progress = Progress(_TimeLeft(), get_time=lambda: next(clock))
    task = progress.add_task("run", total=4, before=before)
    progress.update(task, completed=completed)
    assert _TimeLeft().render(progress.tasks[0]).plain == left
