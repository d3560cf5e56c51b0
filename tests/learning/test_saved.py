"""A trained model as a folder, and another corpus through it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy

from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.learning import saved
from fedaffect.learning.torch.trainer import ConversationTrainer
from fedaffect.schema import UNLABELLED

EXPERIMENT = Experiment().with_settings(["model.width=8", "model.heads=2", "seed=3"])


@pytest.fixture(scope="module")
def corpus(make_corpus):
    return make_corpus(conversations=5, turns=4)


@pytest.fixture(scope="module")
def tensors(corpus):
    """Not the seed's first model, and with statistics: so that both must be read to be right."""
    learner = ConversationTrainer(corpus, EXPERIMENT.model_copy(update={"seed": 4}))
    statistics = {}
    for name, array in corpus.features.items():
        statistics[f"features/{name}/mean"] = array.mean(axis=0)
        statistics[f"features/{name}/scale"] = array.std(axis=0)
    return {**learner.get(), **statistics}


@pytest.fixture
def folder(tmp_path, corpus, tensors):
    saved.save(tmp_path / "model", EXPERIMENT, corpus, [("global", tensors)], "# A card\n")
    return tmp_path / "model"


def test_predictions_are_those_of_the_trained_model(folder, corpus, tensors):
    learner = ConversationTrainer(corpus, EXPERIMENT)
    learner.set(tensors)
    expected = learner.predict(np.arange(5))
    found = saved.predict(folder, corpus, "global", "cpu")
    np.testing.assert_array_equal(found.probability, expected.probability)
    np.testing.assert_array_equal(found.modality_weights, expected.modality_weights)
    np.testing.assert_array_equal(found.corpus.label, corpus.label)


def test_what_was_learnt_from_votes_needs_none_to_predict(tmp_path, corpus, tensors):
    soft = EXPERIMENT.with_settings(["training.soft_labels=true"])
    for name, experiment in (("soft", soft), ("hard", EXPERIMENT)):
        saved.save(tmp_path / name, experiment, corpus, [("model", tensors)], "# A card\n")
    found = [saved.predict(tmp_path / n, corpus, "model", "cpu") for n in ("soft", "hard")]
    np.testing.assert_array_equal(found[0].probability, found[1].probability)


def test_the_folder_says_what_it_is(folder, corpus):
    config = saved.read_config(folder)
    assert config.experiment == EXPERIMENT
    assert config.classes == corpus.classes
    assert config.modalities == {"audio": 3, "text": 4}
    assert (config.roles, config.members) == (2, ("global",))
    assert (folder / "README.md").read_text() == "# A card\n"
    assert sorted(p.name for p in folder.iterdir()) == [
        "README.md",
        "config.json",
        "global.safetensors",
    ]


@pytest.mark.parametrize("name", ["Ses01/F", "../outside", "Größe 5", "..", "a.b"])
def test_members_are_named_after_persons_whatever_their_names(tmp_path, corpus, tensors, name):
    saved.save(tmp_path / "deep" / "model", EXPERIMENT, corpus, [(name, tensors)], "")
    assert len(list((tmp_path / "deep" / "model").iterdir())) == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep"]
    assert sorted(p.name for p in (tmp_path / "deep").iterdir()) == ["model"]
    assert saved.read_config(tmp_path / "deep" / "model").members == (name,)
    saved.predict(tmp_path / "deep" / "model", corpus, name, "cpu")


def test_a_modality_that_the_corpus_lacks_is_missing(folder, corpus):
    found = saved.predict(folder, corpus.with_modalities(("text",)), "global", "cpu")
    np.testing.assert_array_equal(found.modality_weights, [[0, 1]] * 20)
    masked = replace(corpus, present={**corpus.present, "audio": np.zeros(20, bool)})
    expected = saved.predict(folder, masked, "global", "cpu")
    np.testing.assert_array_equal(found.probability, expected.probability)


def test_a_modality_that_the_model_does_not_know_is_ignored(folder, corpus):
    more = replace(
        corpus,
        features={**corpus.features, "body": np.ones((20, 9), np.float32)},
        present={**corpus.present, "body": np.ones(20, bool)},
    )
    found, expected = (saved.predict(folder, c, "global", "cpu") for c in (more, corpus))
    np.testing.assert_array_equal(found.probability, expected.probability)


def test_classes_go_by_name(folder, corpus):
    """In another order, with one that the model has never heard of."""
    order = ("class-2", "never heard of", "class-0", "class-1")
    position = np.array([2, 3, 0])
    label = position[corpus.label]
    label[:3] = 1
    found = saved.predict(folder, replace(corpus, classes=order, label=label), "global", "cpu")
    np.testing.assert_array_equal(found.corpus.label[3:], corpus.label[3:])
    assert found.corpus.label[:3].tolist() == [UNLABELLED] * 3
    assert found.corpus.classes == corpus.classes


def test_fewer_roles_fit_and_more_do_not(folder, make_corpus):
    alone = make_corpus(conversations=2, turns=3, roles=1)
    assert saved.predict(folder, alone, "global", "cpu").probability.shape == (6, 3)
    with pytest.raises(UserError, match="a conversation has 3 roles, the model knows 2"):
        saved.predict(folder, make_corpus(conversations=2, turns=3, roles=3), "global", "cpu")


@pytest.mark.parametrize(
    ("modalities", "message"),
    [
        ({"text": 5, "audio": 3}, r"modality `text` has features of shape \(5,\), .* on \(4,\)"),
        ({"face": 3}, "shares no modality with the model, which reads audio, text; .* has face"),
    ],
)
def test_a_corpus_that_does_not_fit_is_refused(folder, make_corpus, modalities, message):
    other = make_corpus(conversations=2, turns=3, modalities=modalities)
    with pytest.raises(UserError, match=message):
        saved.predict(folder, other, "global", "cpu")


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
def test_a_config_that_cannot_be_read_is_named(folder, change, message):
    table = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(table | change))
    with pytest.raises(UserError, match=message):
        saved.read_config(folder)


def test_no_model_and_no_json(tmp_path, folder):
    with pytest.raises(UserError, match="no trained model here; has the run finished"):
        saved.read_config(tmp_path)
    (folder / "config.json").write_text("{")
    with pytest.raises(UserError, match=r"config.json: not valid JSON"):
        saved.read_config(folder)


@pytest.mark.parametrize("damage", ["missing", "half", "fewer", "other"])
def test_tensors_that_are_not_the_models_are_refused(folder, corpus, tensors, damage):
    path = folder / "global.safetensors"
    if damage == "missing":
        path.unlink()
    elif damage == "half":
        path.write_bytes(path.read_bytes()[:1000])
    else:
        name = "model/classify/bias"
        kept = {n: a for n, a in tensors.items() if n != name}
        if damage == "other":
            kept[name] = np.zeros(7, np.float32)
        safetensors.numpy.save_file(kept, path)
    with pytest.raises(UserError, match=r"global.safetensors|model/classify/bias"):
        saved.predict(folder, corpus, "global", "cpu")


def test_a_folder_that_names_code_is_refused(tmp_path, monkeypatch):
    (tmp_path / "evil.py").write_text("from pathlib import Path\nPath('ran').touch()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    named = {**EXPERIMENT.model_dump(), "model": {"name": "evil:Model"}}
    config = {"experiment": named, "classes": ["a"], "modalities": {"text": 4}, "roles": 2}
    (tmp_path / "config.json").write_text(json.dumps({**config, "members": ["model"]}))
    with pytest.raises(UserError, match=r"config.json: experiment.model.name: .*--allow-code"):
        saved.read_config(tmp_path)
    assert not (tmp_path / "ran").exists()
