"""Traces of who is online when."""

import pytest

from fedaffect.errors import UserError
from fedaffect.federation.availability import Trace

NAMES = ["client-00", "client-01", "client-02"]


def trace(tmp_path, text):
    (tmp_path / "trace.csv").write_text(text, encoding="utf-8")
    return Trace.read(tmp_path / "trace.csv", NAMES)


def test_stretches_include_both_ends_and_the_unnamed_are_always_there(tmp_path):
    found = trace(tmp_path, "client,first,last\nclient-00,2,3\n\nclient-02,1,1\nclient-00,5,5\n")
    online = [found.online(r).tolist() for r in range(1, 7)]
    assert [o[0] for o in online] == [False, True, True, False, True, False]
    assert [o[1] for o in online] == [True] * 6
    assert [o[2] for o in online] == [True] + [False] * 5


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "line 1: the columns must be `client,first,last`"),
        ("client;first;last\n", "line 1"),
        ("client,first,last\nclient-09,1,2\n", "line 2: `client-09,1,2`"),
        ("client,first,last\nclient-00,3,2\n", "line 2"),
        ("client,first,last\nclient-00,0,2\n", "line 2"),
        ("client,first,last\nclient-00,1,2,3\n", "line 2"),
        ("client,first,last\nclient-00,1,x\n", "line 2"),
        ("client,first,last\nclient-00\n", "line 2"),
    ],
)
def test_what_is_no_trace_is_told(tmp_path, text, complaint):
    with pytest.raises(UserError, match=complaint):
        trace(tmp_path, text)


def test_not_a_text_file(tmp_path):
    (tmp_path / "trace.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="not readable as CSV"):
        Trace.read(tmp_path / "trace.csv", NAMES)


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match="no such file; clients"):
        Trace.read(tmp_path / "none.csv", NAMES)


def test_a_run_asks_those_who_are_online(tmp_path, tiny, simulate):
    path = tmp_path / "trace.csv"
    path.write_text("client,first,last\nclient-01,2,2\n", encoding="utf-8")
    experiment = tiny("fedavg", f"clients.availability=trace({path})", "rounds.quorum=0")
    run = simulate(experiment)
    assert [e["cohort"] for e in run.of_kind("round_started")] == [[0, 2], [0, 1, 2], [0, 2]]
    path.write_text("client,first,last\n", encoding="utf-8")
    with pytest.raises(UserError, match="begun with another trace"):
        simulate(experiment)
