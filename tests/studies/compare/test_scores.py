import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from fedaffect.record.summary import read_summary
from fedaffect.studies.compare.scores import (
    Row,
    as_csv,
    as_json,
    as_table,
    cautions,
    comparison,
    scores_table,
)

MakeRun = Callable[..., Path]


def printed(rows: list[Row], width: int = 200) -> str:
    console = Console(width=width, file=io.StringIO())
    console.print(as_table(rows))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_a_row_a_run(make_run: MakeRun) -> None:
    plain = make_run("plain", settings=("algorithm.name=fedmpd", "algorithm.exchange=both"))
    many = make_run("many/seed-0").parent
    make_run("many/seed-1", seed=1)
    first, second = comparison([plain, many])
    assert (first.run, first.algorithm, first.exchange) == ("plain", "fedmpd", "both")
    assert (first.seeds, first.test_weighted_f1_sd) == (1, None)
    assert (first.client_sd, first.seconds) == (0.071, 75.0)
    assert first.personal_test_weighted_f1 is not None
    assert (second.run, second.seeds) == ("many", 2)
    assert second.test_weighted_f1_sd is not None
    text = printed([first, second])
    assert "fedmpd (both)" in text
    assert " ± " in text


def test_personal_as_the_primary_evaluation_fills_its_column(make_run: MakeRun) -> None:
    (row,) = comparison([make_run(modes=("personal", "local"))])
    assert row.evaluation == "personal"
    assert row.personal_test_weighted_f1 == row.test_weighted_f1


def test_one_client_that_holds_all_has_no_figures_over_clients(make_run: MakeRun) -> None:
    """Centralised learning: its `personal` would be the whole test set, beside others' own classes."""
    (row,) = comparison([make_run(clients=1)])
    assert row.test_weighted_f1 is not None
    assert (row.personal_test_weighted_f1, row.client_sd, row.client_worst_tenth) == (None,) * 3


def test_it_warns_where_figures_do_not_compare(make_run: MakeRun) -> None:
    a, b = make_run("a"), make_run("b", modes=("local", "personal"))
    c, d = make_run("c", finished=False), make_run("d", settings=("partition.name=person",))
    assert cautions(comparison([a])) == []
    assert "compare only within one" in cautions(comparison([a, b]))[0]
    assert cautions(comparison([a, c])) == ["not finished: c"]
    assert "partition differs (iid, person)" in cautions(comparison([a, d]))[0]


def test_csv_and_json_hold_the_same(make_run: MakeRun) -> None:
    rows = comparison([make_run("a"), make_run("b", finished=False)])
    read = list(csv.DictReader(io.StringIO(as_csv(rows))))
    told = json.loads(as_json(rows))
    assert [row["run"] for row in read] == [row["run"] for row in told] == ["a", "b"]
    assert float(read[0]["test_weighted_f1"]) == told[0]["test_weighted_f1"]
    assert read[1]["test_weighted_f1"] == ""
    assert told[1]["test_weighted_f1"] is None


def test_names_are_not_read_as_markup(make_run: MakeRun) -> None:
    assert "[red]x" in printed(comparison([make_run("run-[red]x", settings=("name=x",))]))


def test_the_scores_of_a_run_stand_by_evaluation_and_split(make_run: MakeRun) -> None:
    table = scores_table(read_summary(make_run()))
    modes, splits = (list(column.cells) for column in table.columns[:2])
    assert modes == ["global", "global", "personal", "personal"]
    assert splits == ["test", "dev", "test", "dev"]
    assert list(table.columns[7].cells) == ["0.052", "–", "0.052", "–"]


def test_a_narrow_terminal_gets_two_tables_with_whole_figures(make_run: MakeRun) -> None:
    rows = comparison([make_run("a", settings=("algorithm.name=centralised",))])
    wide, narrow = printed(rows, 130), printed(rows, 80)
    assert (wide.count("centralised"), narrow.count("centralised")) == (1, 2)
    assert "1 min 15 s" in narrow
    assert "…" not in narrow
