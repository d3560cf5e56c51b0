import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fedaffect.errors import UserError
from fedaffect.runs import failures
from fedaffect.studies.study import Layout
from fedaffect.studies.study.data_files import as_csv, as_data
from fedaffect.studies.study.entries import Entry, Study
from fedaffect.studies.study.notes import notes
from fedaffect.studies.study.pages import as_markdown, ensure_ours, write_results
from fedaffect.studies.study.plan import load
from fedaffect.studies.study.ranking import tabulate
from fedaffect.studies.study.rows import Row
from fedaffect.studies.study.tables import layout_table

COMMAND = "fedaffect table models.toml"
RIGHT, WRONG = [[[4, 0], [0, 2]], [[2, 0], [0, 2]]], [[[0, 4], [2, 0]], [[0, 2], [2, 0]]]
MIXED = [[[3, 1], [0, 2]], [[1, 1], [2, 0]]]
Finish = Callable[..., None]
Rows = tuple[Entry, ...]


@pytest.fixture
def rows(table: Study, talk: Rows, finish: Finish) -> list[Row]:
    """A worse row, the best one with two candidates and a seed to come, one that has not begun."""
    finish(talk[0], [MIXED, MIXED])
    finish(talk[1], [WRONG], "slow", dev=0.5)
    finish(talk[1], [RIGHT, RIGHT], "fast", dev=0.6)
    return tabulate(table, "talk")


def lines_with(page: str, start: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith(start)]


def test_a_page_tells_what_was_asked_and_what_came_of_it(table: Study, rows: list[Row]) -> None:
    """The ends are either conversation drawn twice: F1 6/7 and 4/5 (of 8 and 4), 2/5 and 0 (of 4 and 4)."""
    page = as_markdown(table, "talk", rows, COMMAND)
    assert page.splitlines()[1:4] == ["# Tiny models: talk", "", f"    {COMMAND}"]
    assert "Every row is `demo`, `model.width=8`, `rounds.count=1`, `algorithm.name=cen" in page
    assert "![Weighted F1, row by row](models-talk.svg)" in page
    summary, per_class, pairs, _ = lines_with(page, "| plain |")
    assert summary == (
        "| plain | 1 | – | 2/2 | 0.600 ± 0.000 | 0.200 to 0.838 | 0.583 ± 0.000 | 0.600 ± 0.000 "
        "| 0.583 ± 0.000 | 0.050 ± 0.000 | 0.500 ± 0.000 | -0.400 | -0.800 to -0.162 | worse | 7,315 "
        "| 1 min 15 s |"
    )
    assert per_class == "| plain | 0.667 | 0.667 | 0.500 | 0.500 | 0.600 | 0.600 |"
    assert pairs == "| plain | 0.400 | 0.333 | 0.500 |"
    assert "| row | calm recall | calm F1 | joy recall | joy F1 | accuracy | weighted F1 |" in page


def test_all_that_was_tried_is_listed(table: Study, rows: list[Row]) -> None:
    page = as_markdown(table, "talk", rows, COMMAND)
    assert "## All that was tried: 4 candidates" in page
    slow, fast = "`model.roles=false`, `training.learning_rate=1e-3`", "1e-2"
    assert lines_with(page, "| tuned & more |")[-2:] == [
        f"| tuned & more | slow | {slow} | 0.500 | 1/1 | – |",
        f"| tuned & more | fast | {slow.replace('1e-3', fast)} | 0.600 | 1/1 | chosen |",
    ]
    assert lines_with(
        page, "- 4 candidates tried for 3 rows, all listed below. Where a row has sev"
    )


def test_notes(table: Study, rows: list[Row]) -> None:
    message = notes(table, "talk", rows)
    assert "Not finished: tuned & more (2 of 3), alone (0 of 2)." in message
    assert "Pairs left out, for the corpus lacks a class: calm and fury." in message
    assert any(
        "All 5 runs of this table, candidates included: 6 min 15 s one" in n for n in message
    )
    assert not any(note.startswith(("BEST TEST", "Latency", "Candidates not")) for note in message)
    assert message[-1] == "Synthetic corpus: the figures say nothing about people."


def test_a_failed_candidate_and_other_evaluations_are_told(
    table: Study, talk: Rows, finish: Finish
) -> None:
    finish(talk[0], [MIXED])
    finish(talk[2], [MIXED], evaluation="local")
    failures.note(talk[1].candidates["slow"].jobs(1)[0].folder, "diverged\nat once")
    rows = tabulate(table, "talk")
    message = notes(table, "talk", rows)
    assert "Failed: tuned & more (slow) seed 0: diverged at once" in message
    assert "Candidates not yet chosen: tuned & more." in message
    assert "Rows are compared with the best of their own evaluation, never across." in message
    assert any(note.startswith("Evaluation `local` (alone): each client's own") for note in message)
    page = as_markdown(table, "talk", rows, COMMAND)
    assert lines_with(page, "| tuned & more |")[-2].endswith("| 0/1 | failed |")
    assert lines_with(page, "| tuned & more |")[-1].endswith("| 0/1 | not finished |")


def test_a_score_that_looked_at_test_stands_beside_and_is_named_so(
    table: Study, talk: Rows, finish: Finish
) -> None:
    finish(talk[0], [MIXED, MIXED], best_test_weighted_f1=0.65)
    page = as_markdown(table, "talk", tabulate(table, "talk"), COMMAND)
    assert "| 95 % interval | best test | macro F1 |" in page
    assert "| 0.650 ± 0.000 |" in page
    assert "- BEST TEST LOOKS AT TEST: " in page


def test_csv_holds_figures_of_either_layout_unrounded(table: Study, rows: list[Row]) -> None:
    def read(layout: Layout) -> list[dict[str, Any]]:
        return list(csv.DictReader(io.StringIO(as_csv(table, rows, layout))))

    plain, tuned, alone = read(Layout.SUMMARY)
    assert (tuned["tried"], tuned["chosen"], alone["weighted_f1"]) == ("2", "fast", "")
    assert float(plain["weighted_f1_seed_1"]) == pytest.approx(0.6)
    assert float(plain["difference"]) == pytest.approx(-0.4)
    plain, _, alone = read(Layout.PER_CLASS)
    assert float(plain["recall of calm"]) == pytest.approx(2 / 3)
    assert (alone["F1 of joy"], alone["accuracy"]) == ("", "")


def test_json_holds_the_same(table: Study, rows: list[Row]) -> None:
    plain, tuned, _ = (as_data(table, row) for row in rows)
    assert plain["confused"]["calm or joy"] == pytest.approx(0.4)
    assert tuned["tried"][0]["candidate"] == "slow"
    assert tuned["tried"][0]["dev"] == {0: 0.5}


def test_results_are_written_and_written_again_the_same(
    table: Study, rows: list[Row], tmp_path: Path
) -> None:
    folder = tmp_path / "results"
    tables = {"talk": rows, "text": tabulate(table, "text")}
    pages = write_results(folder, table, tables, COMMAND)
    assert pages == [folder / "models-talk.md", folder / "models-text.md"]
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    endings = (".md", ".csv", ".tex", ".svg", ".png", "-per-class.csv", "-per-class.tex")
    assert first.keys() == {f"models-{c}{end}" for c in ("talk", "text") for end in endings}
    assert first["models-talk.tex"].startswith(f"% {COMMAND}\n\\begin{{tabular}}".encode())
    write_results(folder, table, tables, COMMAND)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


def test_a_page_that_somebody_wrote_is_left_alone(table: Study, tmp_path: Path) -> None:
    (tmp_path / "models-text.md").write_text("# My own words\n")
    with pytest.raises(
        UserError, match=r"models-text.md: not written by `fedaffect study`; rename"
    ):
        ensure_ours(tmp_path, table)
    ensure_ours(tmp_path / "elsewhere", table)


def test_own_classes_and_the_way_to_a_target_have_columns_where_a_run_tells_of_them(
    table: Study, talk: Rows, finish: Finish
) -> None:
    personal, target = {"personal_test_weighted_f1": 0.75}, {"rounds_to_target": 9}
    finish(talk[0], [MIXED], clients=20, **personal, **target, bytes_to_target=1_500_000)
    finish(talk[2], [MIXED], clients=1, **personal)
    shown = layout_table(table, tabulate(table, "talk"))
    headers = [column.name for column in shown.columns]
    wanted = [
        headers.index(name) for name in ("personal F1", "rounds to target", "bytes to target")
    ]
    assert [[row[place] for place in wanted] for row in shown.rows] == [
        ["0.750", "9.0", "1.5 MB"],
        ["–", "–", "–"],
        ["–", "–", "–"],
    ]


def test_columns_and_curves_are_for_studies_of_either_kind(
    write: Callable[..., Path], finish: Finish, tmp_path: Path
) -> None:
    names = ("[rows.plain]", '[rows."SDT, 1"]', "[rows.alone]", '[rows."SDT, 2"]')
    names = (*names, 'rows."tuned & more"', 'rows."SDT, 3"')
    asked = 'seeds = 2\ncolumns = ["never_selected"]\ncurve = "depth"\nsettings'
    study = load(write("seeds = 2\nsettings", asked, *names), tmp_path / "out")
    finish(study.entries["talk"][0], [MIXED, MIXED], never_selected=3)
    rows = tabulate(study, "talk")
    page = as_markdown(study, "talk", rows, COMMAND)
    assert "| personal F1 |" not in page
    assert "| never selected | parameters |" in page
    assert "| 3.000 ± 0.000 | 7,315 |" in page
    assert "![Weighted F1 by depth](models-talk-curve.svg)" in page
    assert next(csv.DictReader(io.StringIO(as_csv(study, rows))))["never_selected"] == "3.0"
    write_results(tmp_path / "results", study, {"talk": rows}, COMMAND)
    assert (tmp_path / "results/models-talk-curve.svg").is_file()
