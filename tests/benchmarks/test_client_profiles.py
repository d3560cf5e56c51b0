"""The benchmark of client profiles: what one of its clients tells, and that it stays small."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fedaffect.corpus import store

CHILD = Path(__file__).parents[2] / "benchmarks" / "profiled_client.py"
MIB = 2**20
FACES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


@pytest.fixture(scope="module")
def told(make_faces, make_backbone, tmp_path_factory):
    """What a client's process prints."""
    place = tmp_path_factory.mktemp("client")
    store.save(make_faces(items=300, side=48), place / "corpus")
    named = {"classes": json.dumps(FACES)}
    (place / "backbone.onnx").write_bytes(
        make_backbone(side=48, dim=128, classes=7, metadata=named)
    )

    def run(profile):
        command = [sys.executable, str(CHILD), profile, str(place), "20"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.mark.parametrize(("profile", "sent"), [("head", 3 * 129), ("prototype", 3 * 128)])
def test_a_client_without_torch_stays_below_190_mib(told, profile, sent):
    found = told(profile)
    assert not found["torch"]
    assert found["peak"] <= 190 * MIB
    peaks = [one["peak"] for one in found["rounds"]]
    assert len(peaks) == 20
    assert peaks[-1] <= 1.05 * peaks[0]
    assert 4 * sent < found["rounds"][0]["bytes_up"] < 4 * sent + 1000


def test_a_decision_needs_no_torch(told):
    found = told("decision")
    assert not found["torch"]
    assert found["peak"] <= 190 * MIB
    for clock in ("wall", "cpu"):
        ms = found["ms"][clock]
        assert 0 < ms["all"]["p50"] <= ms["all"]["p99"]
        assert max(ms[part]["p50"] for part in ("face", "body", "fusion")) <= ms["all"]["p50"]
