"""Clients without torch: whole federations of heads and of forests, in a process that never loads it."""

import subprocess
import sys

import pytest

from fedaffect.corpus import store

RUN = """
import sys
from pathlib import Path
from fedaffect.corpus import store
from fedaffect.experiment import Experiment
from fedaffect.federation.simulation import Simulation
from fedaffect.learning.build import build_learner

folder, settings = Path(sys.argv[1]), sys.argv[2:]
experiment = Experiment().with_settings(settings)
corpus = store.load(folder / "corpus")
learner = build_learner(corpus, experiment)
outcome = Simulation(experiment, corpus, learner, folder / "run").run("test")
print(outcome.run_state.round, outcome.test.score)
assert "torch" not in sys.modules, "torch was imported"
"""


@pytest.fixture(scope="module")
def place(make_faces, make_corpus, make_backbone, tmp_path_factory):
    """Folders with a corpus each, and a backbone beside that of faces."""
    place = tmp_path_factory.mktemp("torchless")
    for kind, corpus in (("head", make_faces(items=40)), ("forest", make_corpus(conversations=8))):
        store.save(corpus, place / kind / "corpus")
    (place / "head" / "backbone.onnx").write_bytes(make_backbone())
    return place


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        *(("head", name) for name in ("fedavg", "fedproto", "fedmpd", "fedncm", "local")),
        ("forest", "forest"),
    ],
)
def test_a_federation(kind, algorithm, place, tmp_path):
    model = {
        "head": f"{{name='head', backbone='{place / 'head' / 'backbone.onnx'}'}}",
        "forest": "{name='forest', trees=3, depth=2}",
    }[kind]
    (tmp_path / "corpus").symlink_to(place / kind / "corpus")
    settings = [f"model={model}", f"algorithm.name={algorithm}", "rounds.count=2"]
    command = [sys.executable, "-c", RUN, str(tmp_path), *settings, "partition.clients=2"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rounds, score = done.stdout.split()
    assert int(rounds) == 2
    assert 0 <= float(score) <= 1
