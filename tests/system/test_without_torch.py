"""A machine without torch: it learns a head, judges and predicts; what it cannot do it says in one line."""

import json

import pytest

from fedaffect.corpus import store

REFUSE = """\
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name}", name=name)

sys.meta_path.insert(0, Refuse())
"""
EXPERIMENT = """\
name = "head"
data = "faces"
[partition]
clients = 2
[model]
name = "head"
backbone = "face.onnx"
[rounds]
count = 2
"""


@pytest.fixture
def torchless(place, make_faces, make_backbone, tmp_path):
    """Commands, typed where torch is not installed and a corpus of faces and a backbone lie."""
    store.save(make_faces(items=40), place / "faces")
    (place / "face.onnx").write_bytes(make_backbone())
    (place / "head.toml").write_text(EXPERIMENT)
    without = tmp_path / "without"
    without.mkdir()
    (without / "sitecustomize.py").write_text(REFUSE)
    return lambda *arguments: place.cold(*arguments, PYTHONPATH=str(without))


def test_a_head_learns_and_predicts(torchless, place, make_backbone):
    done = torchless("run", "head.toml", "--out", "run", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["rounds"] == 2
    environment = json.loads((place / "run/environment.json").read_text())
    assert environment["precision"] is None
    assert environment["packages"]["onnxruntime"] != "absent"

    predicted = torchless("predict", "run", "--data", "faces")
    assert predicted.code == 0, predicted.err
    assert len(predicted.out.splitlines()) == 41

    (place / "face.onnx").write_bytes(make_backbone(seed=1))
    for command in (
        ("run", "head.toml", "--out", "run", "--resume"),
        ("predict", "run", "--data", "faces"),
    ):
        said = torchless(*command).complaint
        assert "model.backbone: face.onnx: its SHA-256" in said or "model.sha256 is" in said


def test_what_needs_torch_says_so(torchless):
    said = torchless(
        "run", "head.toml", "--set", "model={name='face_cnn'}", "--out", "run"
    ).complaint
    assert said.startswith("this needs the `train` extra (torch is not installed)")


def test_a_backbone_that_is_not_there(torchless, place):
    (place / "face.onnx").unlink()
    said = torchless("run", "head.toml", "--out", "run").complaint
    assert said == "model.backbone: face.onnx: no such file; make one with `fedaffect export`"
    assert not (place / "run").exists()
