from collections.abc import Callable
from pathlib import Path

from fedaffect.studies.compare import tables
from fedaffect.studies.compare.comparison import compare
from fedaffect.studies.compare.page import PICTURED, page
from fedaffect.studies.paired import CLIENTS, MEANING

MakeRun = Callable[..., Path]


def test_the_same_words_for_a_terminal_and_a_page(make_run: MakeRun) -> None:
    comparison, runs = compare([make_run("one"), make_run("two", gain=0.1)])
    facts = {row[0]: row[1:] for row in tables.facts(comparison).rows}
    assert facts["up"] == ("34.3 MB", "34.3 MB")
    assert facts["time"] == ("1 min 15 s", "1 min 15 s")
    assert "exchange" not in facts  # nobody has one
    (row,) = tables.differences(comparison.modes[0]).rows
    assert row == (
        *("two", "+0.100", "+0.000 to +0.000", "conversations", "no difference shown (one seed)"),
    )
    classes = tables.classes(comparison.modes[0])
    assert [column.name for column in classes.columns] == ["F1 by class", "one", "two"]
    assert classes.rows[0][2].endswith(" (+0.000)")
    html = page(comparison, runs)
    for cell in (*row, *classes.rows[0]):
        assert cell in html


def test_clients_one_by_one(make_run: MakeRun) -> None:
    comparison, runs = compare([make_run("one"), make_run("two")])
    glob, personal = comparison.modes
    assert (glob.clients, tables.unpaired(personal)) == ((), [])
    gains = tables.clients(personal)
    assert gains.columns[0].name == "gain over one"
    everybody, selected, never = gains.rows
    assert everybody[:2] == ("two", "0 / 0 of 4")
    assert selected[:2] == ("… selected in both", "0 / 0 of 3")
    assert never[0] == "… never selected in either"
    assert everybody[3:] == ("+0.000", "–", "+0.000 +0.000 +0.000", "+0.000")
    assert MEANING[CLIENTS] in tables.meanings(comparison.modes)
    assert never[0] in page(comparison, runs)


def test_why_clients_are_not_paired(make_run: MakeRun) -> None:
    comparison, runs = compare([make_run("one"), make_run("two", clients=5)])
    assert tables.clients(comparison.modes[1]).rows == ()
    (line,) = tables.unpaired(comparison.modes[1])
    assert line == (
        "two: clients of seed 0 hold other shares than those of one, so they are not paired"
    )
    assert MEANING[CLIENTS] not in tables.meanings(comparison.modes)
    assert line in page(comparison, runs)


def test_a_page_draws_the_clients_of_few_runs_only(make_run: MakeRun) -> None:
    comparison, runs = compare([make_run(f"run-{i}") for i in range(7)])
    assert page(comparison, runs).count("<svg") == 2 + PICTURED


def test_a_page_stands_alone_and_takes_names_literally(make_run: MakeRun) -> None:
    hostile = make_run("<script>alert(1)<|script>", settings=("name=x",))
    comparison, runs = compare([make_run("one"), hostile])
    html = page(comparison, runs)
    assert html.startswith("<!doctype html>")
    assert "<script" not in html
    assert "http" not in html.replace("http-equiv", "")
    assert html.count("<svg") == 3  # two curves, and the clients of `personal`
    assert "Synthetic corpus" in html
