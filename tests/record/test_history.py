from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedaffect.errors import UserError
from fedaffect.record.history import History, quartiles

Event = dict[str, Any]


def started(clients: int = 2) -> Event:
    names = [{"name": f"c{i}"} for i in range(clients)]
    return {"kind": "run_started", "clients": names, "evaluations": ["global"]}


def round_events(number: int, attempt: int = 0) -> list[Event]:
    """Cohort {0}; what a client sends tells the attempt it belongs to."""
    return [
        {"kind": "round_started", "round": number, "cohort": [0]},
        {"kind": "client_finished", "round": number, "client": 0, "sent": {"model": 10 + attempt}},
        {
            "kind": "round_finished",
            "round": number,
            "bytes_up": 10 + attempt,
            "bytes_down": 5,
            "dev": {"global": {"weighted_f1": number + attempt}},
        },
        {"kind": "checkpoint", "round": number},
    ]


@given(rounds=st.integers(1, 5), data=st.data())
def test_a_resumed_run_has_the_history_of_one_that_was_never_killed(
    rounds: int, data: st.DataObject
) -> None:
    whole = [started()] + [e for n in range(1, rounds + 1) for e in round_events(n)]
    killed_after = data.draw(st.integers(1, len(whole)))
    reached = [e["round"] for e in whole[:killed_after] if e["kind"] == "checkpoint"]
    resume_after = data.draw(st.integers(0, max(reached, default=0)))
    stale = [e | {"bytes_up": 999, "sent": {"model": 999}} if "round" in e else e for e in whole]
    kept = [e for e in whole[1:] if e["round"] <= resume_after]
    again = [e for e in whole[1:] if e["round"] > resume_after]
    before = [started(), *kept, *stale[1 + len(kept) : killed_after]]

    history = History.of([*before, {"kind": "resumed", "round": resume_after}, *again])

    recorded = tuple(e for e in history.events if e["kind"] != "resumed")
    if again:
        undisturbed = History.of(whole)
        assert recorded == undisturbed.events
        assert history.client_reports == undisturbed.client_reports
        assert history.latest == undisturbed.latest
    assert history.sent == {"model": 10 * rounds} or not again


def test_bytes_to_a_target_include_statistics_and_lost_rounds() -> None:
    moved = {"bytes_up": 100, "bytes_down": 1}
    history = History.of([
        started(),
        {"kind": "statistics_finished", **moved},
        *round_events(1),
        {"kind": "round_started", "round": 2, "cohort": [0]},
        {"kind": "round_lost", "round": 2, "reason": "", **moved},
        *round_events(3),
        *round_events(4),
    ])  # fmt: skip
    assert history.reached(2) == (3, 101 + 15 + 101 + 15)
    assert history.reached(1) == (1, 101 + 15)
    assert history.reached(9) is None
    assert (history.bytes_in("up"), history.bytes_in("down")) == (230, 17)


def test_figures_are_counted_from_the_rounds_of_an_unfinished_run() -> None:
    history = History.of([
        started(),
        {"kind": "statistics_finished", "bytes_up": 7, "bytes_down": 3},
        *round_events(1),
        *round_events(2),
    ])  # fmt: skip
    assert history.finish is None
    assert history.bytes_in("up") == 27
    assert history.bytes_in("down") == 13
    assert history.sent == {"model": 20, "statistics": 7}
    assert history.selected == [2, 0]
    assert history.never_selected == ["c1"]
    assert history.dev_curve("global") == ([1, 2], [1, 2])


def test_a_run_that_goes_on_after_its_end_has_not_ended() -> None:
    end = {"kind": "run_finished", "bytes_up": 1, "bytes_down": 1}
    assert History.of([started(), *round_events(1), end]).finish == end
    assert History.of([started(), *round_events(1), end, *round_events(2)]).finish is None


def test_rounds_without_evaluation_leave_gaps_in_the_curve() -> None:
    silent = {"kind": "round_finished", "round": 2, "dev": None}
    history = History.of([started(), *round_events(1), silent, *round_events(3)])
    assert history.dev_curve("global") == ([1, 3], [1, 3])


def test_what_is_no_record_of_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no `run_started` event"):
        History.of([{"kind": "resumed", "round": 1}])
    with pytest.raises(UserError, match=r"no events\.jsonl there"):
        History.read(tmp_path)


def test_quartiles_pass_over_unknown_values() -> None:
    assert quartiles([0.1, None, 0.2, float("nan"), 0.3]) == pytest.approx((0.15, 0.2, 0.25))
    assert quartiles([None]) is None


def test_a_resume_voids_what_came_after_its_checkpoint_even_where_rounds_are_not_recorded() -> None:
    start = started() | {"experiment": {"rounds": {"record": "ends"}}}
    late = {"kind": "client_failed", "round": 5, "client": 1, "reason": "late"}
    history = History.of([start, late, {"kind": "resumed", "round": 4}, late])
    assert list(history.client_reports[5].failed) == [1]


def test_what_was_not_recorded_is_none_and_never_nothing() -> None:
    start = started() | {"experiment": {"rounds": {"record": "ends"}}}
    unfinished = History.of([start])
    assert not unfinished.records_rounds
    for recorded in (
        unfinished.rounds_done,
        unfinished.selected,
        unfinished.never_selected,
        unfinished.sent,
        unfinished.bytes_up_by_client,
        unfinished.bytes_in("up"),
    ):
        assert recorded is None
    ended = [{"selected": 3}, {"selected": 0}]
    end = {"kind": "run_finished", "rounds": 3, "clients": ended, "bytes_up": 7, "bytes_down": 8}
    finished = History.of([start, end])
    assert (finished.rounds_done, finished.selected, finished.never_selected) == (3, [3, 0], ["c1"])
    assert (finished.bytes_in("up"), finished.sent) == (7, None)


def test_without_the_answers_of_clients_rounds_still_count() -> None:
    start = started() | {"experiment": {"rounds": {"record": "rounds"}}}
    recorded = [e for e in round_events(1) if e["kind"] != "client_finished"]
    history = History.of([start, *recorded])
    assert (history.rounds_done, history.selected, history.bytes_in("up")) == (1, [1, 0], 10)
    assert history.sent is history.bytes_up_by_client is None


def test_the_chain_counts_what_was_void_too() -> None:
    again = [*round_events(1), *round_events(1)]
    history = History.of([started(), *again, {"kind": "resumed", "round": 1, "hash": "ab"}])
    assert (history.length, history.last_hash) == (10, "ab")
    assert len(history.events) == 5


def test_how_much_a_client_s_score_moves_at_the_end() -> None:
    """One client goes 0.1 up and down again, the other stays; who has no score in a round is left out."""
    scores = [[0.0, 0.9, 0.5], *([0.5 + 0.1 * (n % 2), 0.7, None] for n in range(5))]
    rounds = [
        {"kind": "round_finished", "round": n, "client_dev": recorded}
        for n, recorded in enumerate(scores)
    ]
    sd = (0.4 * 0.6) ** 0.5 * 0.1
    assert History.of([started(3), *rounds]).client_sd_last_5 == pytest.approx(sd / 2)
    assert History.of([started(3)]).client_sd_last_5 is None
