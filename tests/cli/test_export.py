"""`fedaffect export`: whose model, what is message."""

import numpy as np
import pytest
from typer.testing import CliRunner

from fedaffect.cli.main import app
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.learning import saved
from fedaffect.learning.torch import export


@pytest.fixture
def exported(monkeypatch, make_faces, tmp_path):
    """Run the command on a run whose clients have a model each; what it message, and for whom it wrote."""
    members = [(name, {"model/a": np.zeros(1, np.float32)}) for name in ("anna", "ben")]
    saved.save(tmp_path / "run" / "model", Experiment(), make_faces(), members, "")
    asked = []

    def write(folder, out, member, allow_code):
        asked.append((folder.parent.name, member))
        out.write_bytes(bytes(2**19))
        return 3e-7

    monkeypatch.setattr(export, "export", write)

    def run(*arguments):
        out = tmp_path / "face.onnx"
        done = CliRunner().invoke(
            app, ["export", str(tmp_path / "run"), "--out", str(out), *arguments]
        )
        if done.exception:
            raise done.exception
        return done.output, asked

    return run


def test_what_is_said(exported):
    message, asked = exported("--client", "ben")
    assert "face.onnx: 0.50 MiB, differs from torch by at most 3.0e-07" in " ".join(message.split())
    assert asked == [("run", "ben")]


def test_whose_model_must_be_said(exported):
    with pytest.raises(UserError, match="choose one with --client: anna, ben"):
        exported()
