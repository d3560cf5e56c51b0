"""The partition of docs/how-to/own-partition.md: the code of the page, on the command line."""

import json
import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs/how-to/own-partition.md").read_text()
CODE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]


def test_the_whole_scheme_is_short():
    assert len(CODE.splitlines()) <= 30


def test_it_runs_with_the_file_in_the_folder(place):
    """On two processes the same result as on one; with much jitter another one."""
    (place / "by_length.py").write_text(CODE)

    def run(name, *settings):
        chosen = [word for setting in settings for word in ("--set", setting)]
        command = ("run", "tiny.toml", "--set", "partition.name=by_length:ByLength")
        place.ok(*command, "--set", "rounds.count=1", *chosen, "--out", name)
        events = (place / name / "events.jsonl").read_text().splitlines()
        started = next(e for e in map(json.loads, events) if e["kind"] == "run_started")
        return started["clients"], (place / name / "model/model.safetensors").read_bytes()

    clients, model = run("one")
    assert [client["name"] for client in clients] == ["client-00", "client-01", "client-02"]
    assert run("two", "engine.workers=2") == (clients, model)
    assert run("mixed", "partition.jitter=100")[1] != model


def test_its_settings_are_checked(place):
    (place / "by_length.py").write_text(CODE)
    command = ("run", "tiny.toml", "--set", "partition.name=by_length:ByLength")
    assert "jitter" in place(*command, "--set", "partition.jitter=-1").complaint


def test_links_of_the_page_lead_somewhere():
    folder = Path(__file__).parents[2] / "docs/how-to"
    assert all((folder / link).exists() for link in re.findall(r"\]\((\.\.[^)#]+)", PAGE))
