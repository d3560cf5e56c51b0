"""Runs side by side, as a user meets them."""

import json


def test_tables_json_and_a_page(finished, tmp_path):
    out = tmp_path / "side.html"
    message = finished.ok("compare", "runs/one", "runs/seeds", "--out", out)
    assert "seeds differ (one 0; seeds 0, 1)" in message
    assert "passes over the training data differ (one 3, seeds 1)" in " ".join(message.split())
    assert "rounds.count" in message
    assert str(out) in message.replace("\n", "")
    found = json.loads(finished.ok("compare", "runs/one", "runs/seeds", "--json"))
    assert found["settings"] == {"rounds.count": [3, 1]}
    (_, scored) = found["modes"][0]["scored"]
    summaries = [finished / f"runs/{name}/summary.json" for name in ("one", "seeds/seed-0")]
    one, seed = (json.loads(path.read_text())["test_weighted_f1"] for path in summaries)
    assert scored["difference"]["mean"] == seed - one
    assert scored["difference"]["over"] == "conversations"
    assert out.read_text().startswith("<!doctype html>")


def test_clients_side_by_side(finished):
    message = finished.ok("compare", "runs/one", "runs/seeds")
    assert "gain over one" in message
    found = json.loads(finished.ok("compare", "runs/one", "runs/seeds", "--json"))
    ((run,),) = [mode["clients"] for mode in found["modes"] if mode["name"] == "personal"]
    assert (run["run"], run["unpaired"]) == ("seeds", [])
    ended = [
        json.loads((finished / f"runs/{name}/events.jsonl").read_text().splitlines()[-1])["clients"]
        for name in ("one", "seeds/seed-0")
    ]
    assert [(pair["base"], pair["run"]) for pair in run["pairs"]] == [
        tuple(client["personal_weighted_f1"] for client in pair)
        for pair in zip(*ended, strict=True)
    ]


def test_clients_that_nobody_stands_beside(place):
    short = ("run", "tiny.toml", "--set", "rounds.count=1")
    place.ok(*short, "--out", "runs/three")
    place.ok(*short, "--set", "partition.clients=2", "--out", "runs/two")
    place.ok(*short, "--set", "algorithm.name=centralised", "--out", "runs/whole")
    message = place.ok("compare", "runs/three", "runs/two")
    assert "clients of seed 0 hold other shares than those of three" in " ".join(message.split())
    assert "gain over" not in message
    message = place.ok("compare", "runs/three", "runs/whole")
    assert "gain over" not in message
    assert "other shares" not in message


def test_what_cannot_be_compared(finished):
    assert "two or more runs" in finished("compare", "runs/one").complaint
    assert "give the folder of a run" in finished("compare", "runs/one", "corpus").complaint


def test_a_page_that_cannot_be_written(finished):
    out = finished / "nowhere/side.html"
    done = finished("compare", "runs/one", "runs/seeds", "--out", out)
    assert f"{out}: cannot be written" in done.complaint
