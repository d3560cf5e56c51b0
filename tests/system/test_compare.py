"""Runs side by side, as a user meets them."""

import json


def test_tables_json_and_a_page(finished, tmp_path):
    out = tmp_path / "side.html"
    said = finished.ok("compare", "runs/one", "runs/seeds", "--out", out)
    assert "seeds differ (one 0; seeds 0, 1)" in said
    assert "passes over the training data differ (one 3, seeds 1)" in " ".join(said.split())
    assert "rounds.count" in said
    assert str(out) in said.replace("\n", "")
    told = json.loads(finished.ok("compare", "runs/one", "runs/seeds", "--json"))
    assert told["settings"] == {"rounds.count": [3, 1]}
    (_, scored) = told["modes"][0]["scored"]
    summaries = [finished / f"runs/{name}/summary.json" for name in ("one", "seeds/seed-0")]
    one, seed = (json.loads(path.read_text())["test_weighted_f1"] for path in summaries)
    assert scored["difference"]["mean"] == seed - one
    assert scored["difference"]["over"] == "conversations"
    assert out.read_text().startswith("<!doctype html>")


def test_what_cannot_be_compared(finished):
    assert "two or more runs" in finished("compare", "runs/one").complaint
    assert "give the folder of a run" in finished("compare", "runs/one", "corpus").complaint
