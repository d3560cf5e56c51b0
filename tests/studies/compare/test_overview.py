import io
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from fedaffect.record.summary import Summary, read_summary
from fedaffect.studies.compare.cautions import summary_warnings
from fedaffect.studies.compare.overview import as_table, overview

MakeRun = Callable[..., Path]


def read(*folders: Path) -> dict[str, Summary]:
    return {folder.name: read_summary(folder) for folder in folders}


def printed(rows: list[Summary], width: int = 200) -> str:
    console = Console(width=width, file=io.StringIO())
    console.print(as_table(rows))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_a_row_a_run(make_run: MakeRun) -> None:
    plain = make_run("plain", settings=("algorithm.name=fedmpd", "algorithm.exchange=both"))
    many = make_run("many/seed-0").parent
    make_run("many/seed-1", seed=1)
    first, second = overview(read(plain, many))
    assert list(first.values())[:3] == ["plain", "fedmpd", "both"]
    assert (first["seeds"], first["test_weighted_f1_sd"]) == (1, None)
    assert (first["client_sd"], first["seconds"]) == (0.071, 75.0)
    assert first["personal_test_weighted_f1"] is not None
    assert (second["run"], second["seeds"]) == ("many", 2)
    assert second["test_weighted_f1_sd"] is not None
    text = printed([first, second])
    assert "fedmpd (both)" in text
    assert " ± " in text


def test_personal_as_the_primary_evaluation_fills_its_column(make_run: MakeRun) -> None:
    (row,) = overview(read(make_run(modes=("personal", "local"))))
    assert row["evaluation"] == "personal"
    assert row["personal_test_weighted_f1"] == row["test_weighted_f1"]


def test_one_client_that_holds_all_has_no_figures_over_clients(make_run: MakeRun) -> None:
    """Centralised learning: its `personal` would be the whole test set, beside others' own classes."""
    (row,) = overview(read(make_run(clients=1)))
    assert row["test_weighted_f1"] is not None
    names = ("personal_test_weighted_f1", "client_sd", "client_worst_tenth")
    assert [row[name] for name in names] == [None] * 3


def test_it_warns_where_figures_do_not_compare(make_run: MakeRun) -> None:
    a, b = make_run("a"), make_run("b", modes=("local", "personal"))
    c, d = make_run("c", finished=False), make_run("d", settings=("partition.name=person",))
    assert summary_warnings(read(a)) == []
    assert "compare only within one" in summary_warnings(read(a, b))[0]
    assert summary_warnings(read(a, c)) == ["not finished: c"]
    assert "partition differs (iid, person)" in summary_warnings(read(a, d))[0]


def test_an_unfinished_run_has_no_scores(make_run: MakeRun) -> None:
    finished, begun = overview(read(make_run("a"), make_run("b", finished=False)))
    assert finished.keys() == begun.keys()
    assert begun["test_weighted_f1"] is None


def test_a_narrow_terminal_gets_two_tables_with_whole_figures(make_run: MakeRun) -> None:
    rows = overview(read(make_run("my-run", settings=("algorithm.name=centralised",))))
    wide, narrow = printed(rows, 130), printed(rows, 80)
    assert (wide.count("my-run"), narrow.count("my-run")) == (1, 2)
    assert "1 min 15 s" in narrow
    assert "…" not in narrow
