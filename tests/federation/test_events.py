"""The chained record of a run."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedaffect.errors import UserError
from fedaffect.federation.events import EventLog, read


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    log.append("run_started", run="größer \u2028 \r", experiment={"seed": 0})
    log.append("round_finished", round=1, loss=0.25, dev={"global": {"weighted_f1": 1 / 3}})
    log.append("checkpoint", round=1)
    log.close()
    return path


def test_events_come_back_in_order(path):
    events = list(read(path))
    assert [(e["n"], e["kind"]) for e in events] == [
        (0, "run_started"),
        (1, "round_finished"),
        (2, "checkpoint"),
    ]
    assert events[0]["run"] == "größer \u2028 \r"
    assert events[1]["dev"]["global"]["weighted_f1"] == 1 / 3


def test_every_event_is_sealed_with_the_one_before(path):
    events = list(read(path))
    assert events[0]["previous"] == "0" * 64
    assert [e["previous"] for e in events[1:]] == [e["hash"] for e in events[:-1]]
    assert len({e["hash"] for e in events}) == 3


@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_one_changed_byte_is_found(path, place, byte):
    original = path.read_bytes()
    place %= len(original) - 1  # the last line's end is another test
    if original[place] == byte:
        return
    altered = path.with_name("altered.jsonl")
    altered.write_bytes(original[:place] + bytes([byte]) + original[place + 1 :])
    with pytest.raises(UserError, match=r"altered.jsonl: line [123] was altered"):
        list(read(altered))


@pytest.mark.parametrize("change", ["drop", "swap", "repeat", "blank", "spaces"])
def test_changed_lines_are_found(path, change):
    first, second, third = (line + "\n" for line in path.read_text().split("\n")[:-1])
    lines = {
        "drop": [first, third],
        "swap": [second, first, third],
        "repeat": [first, first, second, third],
        "blank": [first, "\n", second, third],
        "spaces": [first, second.replace('":', '": '), third],
    }[change]
    path.write_text("".join(lines))
    with pytest.raises(UserError, match="was altered"):
        list(read(path))


def test_an_invented_event_is_found(path):
    event = list(read(path))[-1] | {"n": 3, "round": 2}
    with path.open("a") as file:
        file.write(json.dumps(event, separators=(",", ":")) + "\n")
    with pytest.raises(UserError, match="line 4 was altered"):
        list(read(path))


def test_nesting_without_end_is_an_altered_line(path):
    with path.open("a") as file:
        file.write("[" * 100_000 + "\n")
    with pytest.raises(UserError, match="line 4 was altered"):
        list(read(path))


def test_a_line_cut_short_by_a_crash_is_dropped(path):
    whole = path.read_bytes()
    for cut in (1, 20, len(whole.splitlines()[-1]) - 1):
        path.write_bytes(whole[:-cut])
        assert [e["n"] for e in read(path)] == [0, 1]


def test_a_resumed_log_goes_on_after_what_was_whole(path):
    path.write_bytes(path.read_bytes()[:-10])
    log = EventLog(path)
    log.append("resumed", round=0)
    log.close()
    events = list(read(path))
    assert [(e["n"], e["kind"]) for e in events][-1] == (2, "resumed")
    assert events[2]["previous"] == events[1]["hash"]


def test_a_log_with_nothing_whole_begins_anew(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"n": 0, "ti')
    log = EventLog(path)
    log.append("run_started")
    log.close()
    assert [e["n"] for e in read(path)] == [0]


def test_an_altered_log_is_not_continued(path):
    text = path.read_text()
    path.write_text(text.replace('"loss":0.25', '"loss":0.20'))
    with pytest.raises(UserError, match="line 2 was altered"):
        EventLog(path)
    assert path.read_text() == text.replace('"loss":0.25', '"loss":0.20')


def test_listeners_hear_what_is_written(tmp_path):
    heard = []
    log = EventLog(tmp_path / "events.jsonl", (heard.append,))
    log.append("checkpoint", round=3)
    log.close()
    assert heard == list(read(tmp_path / "events.jsonl"))


def test_a_log_without_a_file_only_tells():
    heard = []
    event = EventLog(None, (heard.append,)).append("checkpoint", round=3)
    assert heard == [event]


def test_what_is_no_number_is_not_written(tmp_path):
    log = EventLog(tmp_path / "events.jsonl")
    with pytest.raises(ValueError, match="JSON"):
        log.append("round_finished", loss=float("nan"))
    log.append("checkpoint", round=1)
    log.close()
    assert [e["kind"] for e in read(tmp_path / "events.jsonl")] == ["checkpoint"]


def test_events_are_read_one_by_one(path):
    path.write_text(path.read_text().replace('"loss":0.25', '"loss":0.20'))
    events = read(path)
    assert next(events)["kind"] == "run_started"
    with pytest.raises(UserError, match="line 2 was altered"):
        next(events)


def test_a_missing_log_is_named(tmp_path):
    with pytest.raises(UserError, match=r"events.jsonl: no event log here"):
        list(read(tmp_path / "events.jsonl"))


@pytest.mark.parametrize(
    ("record", "written"),
    [
        ("clients", ["run_started", "client_finished", "client_failed", "round_finished"]),
        ("rounds", ["run_started", "client_failed", "round_finished"]),
        ("ends", ["run_started", "client_failed"]),
    ],
)
def test_what_need_not_be_written_is_still_told(tmp_path, record, written):
    told = []
    log = EventLog(tmp_path / "events.jsonl", (told.append,), record)
    every = ["run_started", "client_finished", "client_failed", "round_finished"]
    for kind in every:
        log.append(kind)
    log.close()
    events = list(read(tmp_path / "events.jsonl"))  # and the chain holds
    assert [e["kind"] for e in events] == written
    assert [e["n"] for e in events] == list(range(len(written)))
    assert [e["kind"] for e in told] == every
