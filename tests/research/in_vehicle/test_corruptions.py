"""What docs/in-vehicle.md prints, names and runs is correct; real faces stay outside the project."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from research.in_vehicle import corruptions

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "in-vehicle.md").read_text(encoding="utf-8")


def test_the_page_prints_the_table():
    assert corruptions.table() in PAGE


def test_what_the_page_shows_runs():
    space = {}
    for code in re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL):
        exec(code, space)
    assert space["fused"].pairing == "label-matched"
    assert space["fused"].decision.tolist() == [0, 1]
    assert space["training"].shape == (8, 48, 48)


def test_what_the_page_names_is_there():
    for path in re.findall(r"`((?:corpus|inference)/[\w/]+(?:\.py|/))`", PAGE):
        assert (ROOT / "src" / "fedaffect" / path).exists()


def test_the_face_is_made_by_code():
    face = corruptions.made_face()
    assert face.shape == (48, 48)
    np.testing.assert_array_equal(face, corruptions.made_face())


def test_real_faces_are_never_drawn_into_the_project(tmp_path, monkeypatch, capsys):
    """Whatever way the folder is named."""
    (tmp_path / "link").symlink_to(ROOT / "docs")
    for folder in (ROOT / "docs" / "images", tmp_path / "link"):
        monkeypatch.setattr(sys, "argv", ["", "--faces", "any.npz", "--out", str(folder)])
        with pytest.raises(SystemExit):
            corruptions.main()
        assert "stay outside the project" in capsys.readouterr().err
