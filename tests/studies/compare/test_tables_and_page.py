import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from fedaffect.errors import UserError
from fedaffect.studies.compare import tables
from fedaffect.studies.compare.comparison import compare
from fedaffect.studies.compare.page import PICTURED, page, write_page
from fedaffect.studies.paired import CLIENTS, MEANING

MakeRun = Callable[..., Path]


def test_the_same_words_for_a_terminal_and_a_page(make_run: MakeRun) -> None:
    told, sides = compare([make_run("one"), make_run("two", gain=0.1)])
    facts = {row[0]: row[1:] for row in tables.facts(told).rows}
    assert facts["up"] == ("34.3 MB", "34.3 MB")
    assert facts["time"] == ("1 min 15 s", "1 min 15 s")
    assert "exchange" not in facts  # nobody has one
    (row,) = tables.differences(told.modes[0]).rows
    assert row == (
        *("two", "+0.100", "+0.000 to +0.000", "conversations", "no difference shown (one seed)"),
    )
    classes = tables.classes(told.modes[0])
    assert classes.header == ("F1 by class", "one", "two")
    assert classes.rows[0][2].endswith(" (+0.000)")
    html = page(told, sides)
    for cell in (*row, *classes.rows[0]):
        assert cell in html


def test_clients_are_told_one_by_one(make_run: MakeRun) -> None:
    told, sides = compare([make_run("one"), make_run("two")])
    glob, personal = told.modes
    assert (glob.clients, tables.unpaired(personal)) == ((), [])
    sheet = tables.clients(personal)
    assert sheet.header[0] == "gain over one"
    everybody, heard, unheard = sheet.rows
    assert everybody[:2] == ("two", "0 / 0 of 4")
    assert heard[:2] == ("… heard in both", "0 / 0 of 3")
    assert unheard[0] == "… unheard in either"
    assert everybody[3:] == ("+0.000", "–", "+0.000 +0.000 +0.000", "+0.000")
    assert MEANING[CLIENTS] in tables.meanings(told.modes)
    assert unheard[0] in page(told, sides)


def test_why_clients_are_not_paired(make_run: MakeRun) -> None:
    told, sides = compare([make_run("one"), make_run("two", clients=5)])
    assert tables.clients(told.modes[1]).rows == ()
    (line,) = tables.unpaired(told.modes[1])
    assert line == (
        "two: clients of seed 0 hold other shares than those of one, so they are not paired"
    )
    assert MEANING[CLIENTS] not in tables.meanings(told.modes)
    assert line in page(told, sides)


def test_a_page_draws_the_clients_of_few_runs_only(make_run: MakeRun) -> None:
    told, sides = compare([make_run(f"run-{i}") for i in range(7)])
    assert page(told, sides).count("<svg") == 2 + PICTURED


def test_a_page_stands_alone_and_takes_names_literally(make_run: MakeRun, tmp_path: Path) -> None:
    hostile = make_run("<script>alert(1)<|script>", settings=("name=x",))
    told, sides = compare([make_run("one"), hostile])
    write_page(tmp_path / "c.html", told, sides)
    html = (tmp_path / "c.html").read_text()
    assert html.startswith("<!doctype html>")
    assert "<script" not in html
    assert "http" not in html.replace("http-equiv", "")
    assert html.count("<svg") == 3  # two curves, and the clients of `personal`
    assert "Synthetic corpus" in html
    with pytest.raises(UserError, match="cannot be written"):
        write_page(tmp_path / "nowhere/c.html", told, sides)


def test_a_name_is_not_read_as_markup() -> None:
    console = Console(width=80, file=io.StringIO())
    console.print(tables.Sheet(("run", "[b]"), (("[red]x", "1"),)).as_table())
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[red]x" in said
    assert "[b]" in said
