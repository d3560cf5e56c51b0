from typing import Any

from fedaffect.record.client_reports import LATEST, ClientReportsByRound


def finished(number: int, client: int, **fields: Any) -> dict[str, Any]:
    return {"kind": "client_finished", "round": number, "client": client, "bytes_up": 10, **fields}


def test_reports_are_summed_up_by_round() -> None:
    found = ClientReportsByRound()
    found.add(finished(1, 4, sent={"model": 8}, scalars={"task": 1.0, "count/sad": 2.0}))
    found.add(finished(1, 2, sent={"model": 8, "prototype": 1}))
    found.add({"kind": "client_failed", "round": 1, "client": 7, "reason": "late"})
    found.add(finished(2, 4))
    first, second = found.rounds.values()
    assert (list(first.clients), list(first.bytes_up)) == ([4, 2], [10, 10])
    assert list(first.failed) == [7]
    assert first.sent == {"model": 16, "prototype": 1}
    assert first.scalars == {"task": 1.0, "count/sad": 2.0}
    assert first.reported == {"task": 1, "count/sad": 1}
    assert (list(second.clients), second.sent) == ([4], {})


def test_a_lost_update_left_its_client_and_reached_nobody() -> None:
    found = ClientReportsByRound()
    report = {"sent": {"model": 8}, "scalars": {"task": 1.0}}
    found.add(finished(1, 0, **report, lost=True))
    found.add(finished(1, 1, **report, late=2))
    found.add(finished(1, 2, **report, work=0.5))
    (reports,) = found.rounds.values()
    assert (list(reports.clients), reports.sent["model"]) == ([0, 1, 2], 24)
    assert (list(reports.failed), reports.lost, reports.late) == ([0], 1, 1)
    assert reports.reported["task"] == 2


def test_a_round_that_starts_again_is_forgotten_with_all_after_it() -> None:
    found = ClientReportsByRound()
    for number in (1, 2, 3):
        found.add(finished(number, 0))
    found.rewind(2)
    assert list(found.rounds) == [1]
    assert [event["round"] for event in found.latest] == [1]


def test_few_events_are_kept_whole_however_many_come() -> None:
    found = ClientReportsByRound()
    for client in range(3 * LATEST):
        found.add(finished(1, client))
    assert [event["client"] for event in found.latest] == list(range(2 * LATEST, 3 * LATEST))
