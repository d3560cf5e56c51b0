"""A trained model as a folder."""

import json

import pytest

from fedaffect.errors import UserError
from fedaffect.learning import saved
from fedaffect.learning.predictor import predict


def test_what_a_folder_holds(model_folder, corpus, experiment):
    config = saved.read_config(model_folder)
    assert config.experiment == experiment
    assert config.classes == corpus.classes
    assert config.modalities == {"audio": 3, "text": 4}
    assert (config.roles, config.members) == (2, ("global",))
    assert (model_folder / "README.md").read_text() == "# A card\n"
    assert sorted(p.name for p in model_folder.iterdir()) == [
        "README.md",
        "config.json",
        "global.safetensors",
    ]


@pytest.mark.parametrize("name", ["Ses01/F", "../outside", "Größe 5", "..", "a.b"])
def test_members_are_named_after_persons_whatever_their_names(
    tmp_path, corpus, tensors, name, experiment
):
    saved.save(tmp_path / "deep" / "model", experiment, corpus, [(name, tensors)], "")
    assert len(list((tmp_path / "deep" / "model").iterdir())) == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep"]
    assert sorted(p.name for p in (tmp_path / "deep").iterdir()) == ["model"]
    assert saved.read_config(tmp_path / "deep" / "model").members == (name,)
    predict(tmp_path / "deep" / "model", corpus, name, "cpu")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "fedaffect model 9"}, "config.json: format"),
        ({"roles": 0}, "config.json: roles"),
        ({"members": []}, "config.json: members"),
        ({"classes": None}, "config.json: classes"),
        ({"colour": "red"}, "config.json: colour: no such setting"),
    ],
)
def test_a_config_that_cannot_be_read_is_named(model_folder, change, message):
    table = json.loads((model_folder / "config.json").read_text())
    (model_folder / "config.json").write_text(json.dumps(table | change))
    with pytest.raises(UserError, match=message):
        saved.read_config(model_folder)


def test_no_model_and_no_json(tmp_path, model_folder):
    with pytest.raises(UserError, match="no trained model here; name a finished run"):
        saved.read_config(tmp_path)
    (model_folder / "config.json").write_text("{")
    with pytest.raises(UserError, match=r"config.json: not valid JSON"):
        saved.read_config(model_folder)


def test_a_folder_that_names_code_is_refused(tmp_path, monkeypatch, experiment):
    (tmp_path / "evil.py").write_text("from pathlib import Path\nPath('ran').touch()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    named = {**experiment.model_dump(), "model": {"name": "evil:Model"}}
    config = {"experiment": named, "classes": ["a"], "modalities": {"text": 4}, "roles": 2}
    (tmp_path / "config.json").write_text(json.dumps({**config, "members": ["model"]}))
    with pytest.raises(UserError, match=r"config.json: experiment.model.name: .*--allow-code"):
        saved.read_config(tmp_path)
    assert not (tmp_path / "ran").exists()
