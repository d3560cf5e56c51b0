import json
from dataclasses import replace
from pathlib import Path

import pytest

from fedaffect.learning import predictor
from fedaffect.studies.evaluate import tables
from fedaffect.studies.evaluate.judge import judge
from fedaffect.studies.evaluate.page import as_json
from fedaffect.studies.evaluate.result import make_result


@pytest.fixture
def one(task, asked):
    return make_result("run", task, [judge(Path(), "model", task, "cpu", False)], 0)


@pytest.fixture
def two(task, asked, rest_only, monkeypatch):
    first = judge(Path(), "ann", task, "cpu", False)
    monkeypatch.setattr(predictor, "predict", rest_only)
    return make_result("run", task, [first, judge(Path(), "bob", task, "cpu", False)], 0)


def test_one_model_by_hand(one):
    assert (one.evaluation, one.items, one.conversations) == ("global", 4, 2)
    assert one.confusion == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert one.scores["accuracy"] == 3 / 4
    assert one.scores["uar"] == pytest.approx((1 + 1 / 2 + 1) / 3)
    # F1: fun 2·1/(1+2), rest 2·1/(2+1), stress 1
    assert one.scores["f1"] == pytest.approx([2 / 3, 2 / 3, 1])
    assert one.scores["weighted_f1"] == pytest.approx((2 / 3 + 2 * 2 / 3 + 1) / 4)
    assert one.support == [1, 2, 1]
    assert one.elsewhere == 1
    assert one.model_classes["sad"] is one.corpus_classes["boredom"] is None
    assert one.model_classes["fear"] == "stress"


def test_models_of_clients_by_hand(two):
    """Bob says rest: 2 of 4, F1 of rest 2·2/(2+4), weighted by half of the items."""
    assert two.evaluation == "local"
    assert two.models["bob"] == pytest.approx({"weighted_f1": 1 / 3, "accuracy": 1 / 2})
    assert two.scores["accuracy"] == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert two.scores["sd"] == pytest.approx((3 / 4 - 1 / 3) / 2)
    assert two.scores["worst_tenth"] == pytest.approx(1 / 3)
    assert two.support == [1, 2, 1]
    assert two.elsewhere == 0.5


def test_it_is_said_what_was_left_out(one, two):
    facts, cautions = tables.facts(one), tables.cautions(one)
    assert facts == [
        "4 items of predicted (test) in 2 conversations; the shared model",
        "left out: 1 item, it has no label",
        "left out: 1 item, class boredom",
    ]
    assert cautions[0].startswith(
        "classes of the model that are left out: sad; for 1 of 4 items one of them was likeliest"
    )
    assert "synthetic" in cautions[-1]
    assert "means over 2 models" in tables.facts(two)[0]


def test_features_that_were_made_differently_are_told(one):
    same = replace(one, learnt_from=one.corpus["reader"])
    assert tables.cautions(same) == tables.cautions(one)
    half = replace(one, learnt_from=f"{one.corpus['reader']}; first half, seed 0")
    assert tables.cautions(half) == tables.cautions(one)
    other = replace(one, learnt_from="windows of 60 s")
    (line,) = set(tables.cautions(other)) - set(tables.cautions(one))
    assert f"read as: {one.corpus['reader']}; the model was trained on: windows of 60 s" in line


def test_tables(one, two):
    rows = {row[0]: row[1:] for row in tables.classes(one).rows}
    assert rows["stress"] == ("angry, fear", "1", "1.000", "1.000")
    (row,) = tables.scores(one).rows
    assert row[:4] == ("global", "0.750", "0.778", "0.750")
    assert len(tables.scores(two).rows[0]) == len(tables.scores(two).columns) == len(row) + 2
    assert [row[0] for row in tables.models(two).rows] == ["ann", "bob"]


def test_json_says_all_of_it(one):
    data = json.loads(as_json(one))
    assert data["scores"]["accuracy"] == 0.75
    assert data["left_out"] == {"it has no label": 1, "class boredom": 1}
    assert data["corpus"]["synthetic"] is True
