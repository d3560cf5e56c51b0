import csv
import json
from pathlib import Path

import pytest

from fedaffect.errors import UserError
from fedaffect.studies.evaluate import page
from fedaffect.studies.evaluate.judge import judge
from fedaffect.studies.evaluate.result import make_result


@pytest.fixture
def written(task, asked, tmp_path):
    models = [judge(Path(), "model", task, "cpu", False)]
    result = make_result("a <run>", task, models, 0)
    page.write(tmp_path / "out", result, task, models, "fedaffect evaluate runs/a")
    return tmp_path / "out"


def test_the_page_says_what_was_found(written):
    html = (written / "evaluation.html").read_text()
    for part in ("a &lt;run&gt;", "0.750", "left out: 1 item, class boredom", "evaluate runs/a"):
        assert part in html
    assert html.count("<svg") == 2


def test_every_answer_is_kept(written):
    with (written / "answers.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    first = {k: rows[0][k] for k in ("model", "conversation", "turn", "label", "estimated")}
    assert list(first.values()) == ["model", "a", "0", "stress", "stress"]
    assert [float(rows[0][f"p_{c}"]) for c in ("fun", "rest", "stress")] == pytest.approx(
        [3 / 9, 2 / 9, 4 / 9], abs=1e-6
    )
    assert [row["label"] for row in rows[4:]] == ["", ""]


def test_it_is_written_again_but_never_over_something_else(written, task, tmp_path):
    assert json.loads((written / "evaluation.json").read_text())["items"] == 4
    page.ensure_free(written)
    page.ensure_free(tmp_path / "new")
    (written / "diary.txt").write_text("dear")
    with pytest.raises(UserError, match=r"out: holds something else \(diary.txt\); name a new"):
        page.ensure_free(written)
    with pytest.raises(UserError, match=r"diary.txt: a file is there"):
        page.ensure_free(written / "diary.txt")
