import pytest

from fedaffect.report import formatting


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (2_300, "2.3 kB"), (25_000_000, "25 MB"), (1.5e13, "15 TB")],
)
def test_data_sizes_have_decimal_units(count: float, text: str) -> None:
    assert formatting.data_size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.5, "0.5 s"), (59.2, "59 s"), (75, "1 min 15 s"), (3_700, "1 h 01 min"), (None, "–")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert formatting.duration(seconds) == text


def test_an_unknown_figure_is_a_dash() -> None:
    assert formatting.figure(0.68125) == "0.681"
    assert formatting.figure(None) == formatting.figure(float("nan")) == "–"
    assert formatting.interval([0.5, 0.75]) == "0.500 to 0.750"
    assert formatting.interval(None) == "–"
    assert formatting.data_size(None) == "–"


def test_differences_and_spreads() -> None:
    assert [formatting.signed(value) for value in (0.02, -0.02, None)] == ["+0.020", "-0.020", "–"]
    assert formatting.with_spread(0.68125, 0.01) == "0.681 ± 0.010"
    assert (formatting.with_spread(0.5, None), formatting.with_spread(None, None)) == ("0.500", "–")


def test_counts_and_shapes() -> None:
    assert formatting.count(1, "client") == "1 client"
    assert formatting.count(2, "client") == "2 clients"
    assert formatting.count(2, "class", "classes") == "2 classes"
    assert formatting.shape([6, 128]) == "6 × 128"
    assert formatting.shape([]) == "scalar"


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
    assert formatting.feed_line(event, ["ada", "ben", "cy"]) == line
