"""The algorithm of docs/how-to/own-algorithm.md: the file as it lies there, on the command line."""

import json
import shutil
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs/how-to"
EXAMPLE = FOLDER / "fair.py"


@pytest.fixture
def run(place):
    """`run(NAME, SETTING, ...)`: the summary and the model of two rounds on three clients."""
    shutil.copy(EXAMPLE, place.folder)

    def done(name, *settings):
        chosen = [word for setting in settings for word in ("--set", setting)]
        command = ["run", "tiny.toml", "--set", "rounds.count=2", "--set", "rounds.selection=last"]
        place.ok(*command, *chosen, "--out", name)
        summary = json.loads((place / name / "summary.json").read_text())
        return summary, (place / name / "model/model.safetensors").read_bytes()

    return done


def test_the_page_shows_the_file():
    page, code = (FOLDER / "own-algorithm.md").read_text(), EXAMPLE.read_text()
    shown = page.split("```python\n")[1].split("```")[0]
    assert shown in code
    assert len(code.splitlines()) <= 40


def test_it_runs_and_does_what_it_says(run):
    """With power 0 it is FedAvg to the bit; with more it is something else, on two processes too."""
    _, fedavg = run("fedavg")
    name = "algorithm.name=fair:Fair"
    summary, fair = run("fair", name, "algorithm.power=4.0", "engine.workers=2")
    _, none = run("none", name, "algorithm.power=0.0")
    assert none == fedavg != fair
    assert summary["algorithm"] == "fair:Fair"


def test_its_settings_are_checked(place):
    shutil.copy(EXAMPLE, place.folder)
    done = place(
        "run", "tiny.toml", "--set", "algorithm.name=fair:Fair", "--set", "algorithm.power=-1"
    )
    assert "algorithm fair: power" in done.complaint


def test_what_the_page_points_to_is_there():
    page = (FOLDER / "own-algorithm.md").read_text()
    links = [part.split(")")[0] for part in page.split("](")[1:]]
    assert links
    assert [link for link in links if not (FOLDER / link).exists()] == []
