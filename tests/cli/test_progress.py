import io

from rich.console import Console

from fedaffect.cli.progress import RunsProgress


def heard(*events: dict[str, object]) -> str:
    console = Console(width=200, file=io.StringIO())
    with RunsProgress(console, ["talk"], [20]) as progress:
        for event in events:
            progress(0, event)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_a_lost_round_is_told_with_its_reason_to_the_letter() -> None:
    """Reasons quote names of classes, which anybody may have chosen."""
    reason = "first failure: `distance/[/red]joy [link]` is not finite"
    said = heard({"kind": "round_lost", "round": 3, "reason": reason})
    assert said == f"talk: round 3 lost: {reason}\n"


def test_away_from_a_terminal_every_tenth_round_is_a_line() -> None:
    rounds = [
        {"kind": "round_finished", "round": number, "loss": 0.5, "seconds": 1.25}
        for number in range(1, 21)
    ]
    lines = heard(*rounds).splitlines()
    assert [line.split()[2] for line in lines] == [
        *("1/20", "2/20", "4/20", "6/20", "8/20", "10/20", "12/20", "14/20", "16/20", "18/20"),
        "20/20",
    ]
    assert lines[0] == "talk: round 1/20 · loss 0.500 · 1.2 s"


def test_the_dev_score_stands_with_its_evaluation() -> None:
    dev = {"global": {"weighted_f1": 0.6812}, "personal": {"weighted_f1": 0.9}}
    event = {"kind": "round_finished", "round": 1, "loss": 0.5, "seconds": 1.0, "score": 0.7}
    assert "dev weighted F1 0.681 (global)" in heard(event | {"dev": dev})
