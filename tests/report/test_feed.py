import pytest

from fedaffect.report.feed import feed_line


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            {"kind": "round_started", "round": 7, "cohort": [0, 1], "offline": [2]},
            "Hub: round 7 sent to 2 clients, 1 offline",
        ),
        (
            {"kind": "client_finished", "client": 1, "sent": {"prototype": 9}, "bytes_up": 24_000},
            "ben: class prototypes up, 24 kB",
        ),
        (
            {"kind": "client_finished", "client": 0, "bytes_up": 10, "work": 0.371, "late": 2},
            "ada: nothing up, 10 B, after 37 % of its steps, 2 rounds late",
        ),
        (
            {"kind": "client_finished", "client": 0, "bytes_up": 10, "lost": True},
            "ada: nothing up, 10 B, lost on its way",
        ),
        (
            {"kind": "round_finished", "round": 3, "updates": 9, "late": 2, "loss": 1.5, "score": 0.5},
            "Hub: round 3 aggregated, 9 updates (2 of them late), loss 1.500, dev score 0.500",
        ),
        ({"kind": "client_failed", "client": 0, "reason": "late by 14 s"}, "ada: no update: late by 14 s"),
        ({"kind": "round_lost", "round": 3, "reason": "no quorum"}, "Hub: round 3 lost: no quorum"),
        ({"kind": "checkpoint", "round": 3}, None),
    ],
)  # fmt: skip
def test_the_round_feed(event: dict[str, object], line: str | None) -> None:
    assert feed_line(event, ["ada", "ben", "cy"]) == line
