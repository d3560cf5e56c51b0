"""The page and the files of a study whose rows are compared with the first: an ablation."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from fedaffect.errors import UserError
from fedaffect.studies.study.data_files import as_csv, as_data
from fedaffect.studies.study.entries import Study
from fedaffect.studies.study.notes import notes
from fedaffect.studies.study.pages import as_markdown, ensure_ours, write_results
from fedaffect.studies.study.plan import load
from fedaffect.studies.study.ranking import tabulate
from fedaffect.studies.study.rows import Row

COMMAND = "fedaffect ablate parts.toml"
Score = Callable[..., None]
Write = Callable[..., Path]


@pytest.fixture
def rows(ablation: Study, score: Score) -> list[Row]:
    """The base and a worse row; the third has not begun."""
    score(0, [0.60, 0.62, 0.64])
    score(1, [0.58, 0.599, 0.621])
    return tabulate(ablation)


def test_a_page_tells_what_was_asked_and_what_came_of_it(ablation: Study, rows: list[Row]) -> None:
    page = as_markdown(ablation, "", rows, COMMAND)
    lines = page.splitlines()
    assert lines[1:4] == ["# What parts are worth", "", f"    {COMMAND}"]
    assert "Every row is `demo`, `model.width=8`, `rounds.count=1`, with its change." in lines
    table = [line for line in lines if line.startswith("|")]
    assert table[3] == (
        "| no \\| roles | `model.roles=false` | 3/3 | 0.600 ± 0.021 | 0.580 ± 0.021 | 0.500 ± 0.000 "
        "| 0.700 ± 0.000 | 0.012 | 1 min 15 s | -0.020 | -0.022 to -0.018 | seeds | worse |"
    )
    assert table[4] == "| alone | `model.encoders=intra` | 0/3 " + "| – " * 9 + "| missing |"
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1
    assert "parts.svg" in page


def test_csv_holds_every_figure_of_table_and_picture(ablation: Study, rows: list[Row]) -> None:
    read = list(csv.DictReader(io.StringIO(as_csv(ablation, rows))))
    assert [row["row"] for row in read] == ["all", "no | roles", "alone"]
    assert float(read[1]["weighted_f1_seed_1"]) == 0.599
    assert float(read[1]["difference"]) == pytest.approx(-0.02)
    assert (read[2]["weighted_f1"], read[2]["verdict"]) == ("", "missing")


def test_json_holds_the_same(ablation: Study, rows: list[Row]) -> None:
    found = as_data(ablation, rows[1])
    assert found["difference"]["mean"] == pytest.approx(-0.02)
    assert found["scores"][1] == 0.599
    names = ("row", "settings", "evaluation", "scores", "measures", "difference", "verdict")
    assert list(found) == [*names, "runs", "failed"]


def test_a_column_that_no_row_fills_is_left_out(ablation: Study, score: Score) -> None:
    score(0, [0.60], clients=1)
    assert "personal F1" not in as_markdown(ablation, "", tabulate(ablation), COMMAND)


def test_results_are_written_and_written_again_the_same(
    ablation: Study, rows: list[Row], tmp_path: Path
) -> None:
    folder = tmp_path / "results"
    assert write_results(folder, ablation, {"": rows}, COMMAND) == [folder / "parts.md"]
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert first.keys() == {"parts.md", "parts.csv", "parts.svg", "parts.png"}
    write_results(folder, ablation, {"": rows}, COMMAND)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


def test_a_page_that_somebody_wrote_is_left_alone(
    ablation: Study, rows: list[Row], tmp_path: Path
) -> None:
    (tmp_path / "parts.md").write_text("# My own words\n")
    with pytest.raises(UserError, match=r"parts.md: not written by `fedaffect study`; rename it"):
        write_results(tmp_path, ablation, {"": rows}, COMMAND)
    assert not (tmp_path / "parts.csv").exists()
    ensure_ours(tmp_path / "elsewhere", ablation)


@pytest.mark.parametrize("command", ["study", "ablate", "table"])
def test_a_page_that_we_wrote_under_any_name_may_be_written_again(
    command: str, ablation: Study, tmp_path: Path
) -> None:
    line = f"<!-- Written by `fedaffect {command}`: it will be written again. -->\n"
    (tmp_path / "parts.md").write_text(line)
    ensure_ours(tmp_path, ablation)


def test_more_columns_may_be_asked_for(write_ablation: Write, score: Score, tmp_path: Path) -> None:
    score(0, [0.60, 0.62, 0.64], prototype_separation=1.25, never_selected=None)
    asked = 'columns = ["prototype_separation", "never_selected", "evaluation"]\n[rows]'
    ablation = load(write_ablation("[rows]", asked), tmp_path / "out")
    rows = tabulate(ablation)
    page = as_markdown(ablation, "", rows, COMMAND)
    assert "| prototype separation | never selected | evaluation |" in page
    assert "| 1.250 ± 0.000 | – | – |" in page
    assert (
        float(next(csv.DictReader(io.StringIO(as_csv(ablation, rows))))["prototype_separation"])
        == 1.25
    )
    assert [n for n in notes(ablation, "", rows) if n.startswith("No run")] == [
        "No run has `never_selected`; see a summary.json for what there is.",
        "No run has `evaluation`; see a summary.json for what there is.",
    ]


def test_a_curve_is_a_picture_of_its_own(
    write_ablation: Write, score: Score, tmp_path: Path
) -> None:
    score(0, [0.60, 0.62, 0.64])
    names = ('"all"', '"FedAvg, 1 epoch"', '"no | roles"', '"FedAvg, 5 epochs"')
    path = write_ablation(
        "seeds = 3", 'seeds = 3\ncurve = "epochs"', *names, '"alone"', '"FedMPD, 1 epoch"'
    )
    ablation = load(path, tmp_path / "out")
    write_results(tmp_path / "results", ablation, {"": tabulate(ablation)}, COMMAND)
    assert (
        "![Weighted F1 by epochs](parts-curve.svg)" in (tmp_path / "results/parts.md").read_text()
    )
    for suffix in ("svg", "png"):
        assert (tmp_path / f"results/parts-curve.{suffix}").stat().st_size > 1000


def test_a_row_of_a_curve_has_a_line_and_a_point(write_ablation: Write, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="curve: row `all` is not called `LINE, POINT`"):
        load(write_ablation("seeds = 3", 'seeds = 3\ncurve = "epochs"'), tmp_path / "out")


def test_a_row_may_have_candidates_without_corpora(
    write_ablation: Write, finish: Callable[..., None], tmp_path: Path
) -> None:
    """The first row stays what the others are compared with; what dev chose and what it tried is listed."""
    rates = "{slow = ['training.learning_rate=1e-4'], fast = ['training.learning_rate=1e-2']}"
    tuned = f"[rows.tuned]\nsettings = ['model.roles=false']\ncandidates = {rates}\nseeds = 1\n"
    path = write_ablation('"no | roles" = ["model.roles=false"]\n', "")
    path.write_text(path.read_text() + tuned)
    study = load(path, tmp_path / "out", seeds=1)
    first, _, last = study.entries[""]
    for entry, candidate, dev in ((first, "", 0.5), (last, "slow", 0.5), (last, "fast", 0.6)):
        finish(entry, [[[[3, 1], [1, 3]]]], candidate, dev, corpus="talk")
    rows = tabulate(study)
    assert [row.verdict for row in rows] == ["base", "missing", "no difference shown (one seed)"]
    page = as_markdown(study, "", rows, COMMAND)
    change = "`model.roles=false`, `training.learning_rate=1e-2`"
    assert f"| tuned | {change} | fast | 1/1 | 0.750 |" in page
    assert "## All that was tried: 4 candidates" in page
    assert any(note.startswith("4 candidates tried for 3 rows") for note in notes(study, "", rows))
