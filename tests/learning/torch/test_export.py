"""An exported network says what torch's says, however many images it is given."""

import sys

import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.inference.backbone import Backbone
from fedaffect.learning import saved
from fedaffect.learning.head.learner import HeadLearner
from fedaffect.learning.torch import export as module
from fedaffect.learning.torch.export import export
from fedaffect.learning.torch.trainer import ConversationTrainer

FACES = Experiment().with_settings(
    [
        "model={name='face_cnn', widths=[8], embedding_dim=6, both_sides=true}",
        "seed=3",
        "training.precision=float32",
    ]
)


@pytest.fixture(scope="module")
def corpus(make_faces):
    return make_faces(items=24)


@pytest.fixture(scope="module")
def trained(corpus):
    """Not what the seed draws: so that the tensors must have been read."""
    learner = ConversationTrainer(corpus, FACES.model_copy(update={"seed": 4}))
    learner.set({name: 2 * array for name, array in learner.get().items()})
    return learner


@pytest.fixture(scope="module")
def folder(corpus, trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "model"
    saved.save(folder, FACES, corpus, [("model", trained.get())], "")
    return folder


@pytest.fixture(scope="module")
def exported(folder):
    """The file and how far it was said to be off; made once, since torch takes seconds for it."""
    file = folder / "backbone.onnx"
    return file, export(folder, file, "model")


def test_it_is_one_file(exported, folder):
    names = {path.name for path in folder.iterdir()}
    assert names == {"config.json", "README.md", "model.safetensors", "backbone.onnx"}


@pytest.mark.parametrize("count", [1, 2, 3, 7, 24])
def test_it_agrees_with_torch(count, exported, corpus, trained):
    expected = trained.predict(np.arange(count))
    embedding, logits = Backbone.read(exported[0]).embed(corpus.features["face"][:count])
    assert np.abs(embedding - expected.embedding).max() <= 1e-5 * np.abs(embedding).max()
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probability = shifted / shifted.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probability, expected.probability, atol=1e-5)


def test_it_knows_its_classes_and_images(exported, corpus):
    file, difference = exported
    backbone = Backbone.read(file)
    assert (backbone.classes, backbone.shape) == (corpus.classes, (12, 12))
    assert backbone.embedding_dim == 6
    assert 0 <= difference <= 1e-5


def test_a_head_learns_on_it(exported, corpus, trained):
    head = HeadLearner(
        corpus, FACES.with_settings([f"model={{name='head', backbone='{exported[0]}'}}"])
    )
    every = np.arange(24)
    np.testing.assert_allclose(
        head.predict(every).embedding, trained.predict(every).embedding, rtol=1e-4, atol=1e-4
    )


def test_nothing_is_written_where_it_would_disagree(folder, tmp_path, make_backbone, monkeypatch):
    """Another network stands in for an exporter that goes wrong."""
    monkeypatch.setattr(module, "_onnx", lambda *_: make_backbone(dim=6))
    with pytest.raises(UserError, match=r"new\.onnx: not written: it would differ from torch by"):
        export(folder, tmp_path / "new.onnx", "model")
    assert not list(tmp_path.iterdir())


def test_a_model_of_conversations_is_refused(make_corpus, tmp_path):
    corpus, experiment = (
        make_corpus(),
        Experiment().with_settings(["model={name='sdt', width=8, heads=2}"]),
    )
    tensors = ConversationTrainer(corpus, experiment).get()
    saved.save(tmp_path / "model", experiment, corpus, [("model", tensors)], "")
    with pytest.raises(
        UserError, match=r"model\.name: sdt embeds no single images; train a face_cnn"
    ):
        export(tmp_path / "model", tmp_path / "new.onnx", "model")


@pytest.mark.parametrize("model", ["{name='forest'}", "{name='head', backbone='face.onnx'}"])
def test_a_model_without_torch_is_refused(model, corpus, tmp_path):
    experiment = Experiment().with_settings([f"model={model}"])
    saved.save(tmp_path / "model", experiment, corpus, [("model", {"model/a": np.zeros(1)})], "")
    with pytest.raises(UserError, match=r"model\.name: \w+ embeds no single images; train a face_"):
        export(tmp_path / "model", tmp_path / "new.onnx", "model")


@pytest.mark.parametrize("place", ["nowhere/new.onnx", "taken"])
def test_a_place_that_cannot_be_written(place, folder, tmp_path, make_backbone, monkeypatch):
    (tmp_path / "taken").mkdir()
    monkeypatch.setattr(module, "_onnx", lambda *_: make_backbone(dim=6))
    monkeypatch.setattr(module, "_difference", lambda *_: 0.0)
    with pytest.raises(UserError, match=f"{place}: cannot be written: .*; name another file"):
        export(folder, tmp_path / place, "model")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_tensors_of_another_model(corpus, trained, tmp_path):
    tensors = {name: array for name, array in trained.get().items() if "hidden" not in name}
    saved.save(tmp_path / "model", FACES, corpus, [("model", tensors)], "")
    with pytest.raises(UserError, match="tensors of another model"):
        export(tmp_path / "model", tmp_path / "new.onnx", "model")


def test_a_missing_extra_is_named_before_anything_is_done(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ModuleNotFoundError) as caught:
        export(folder, tmp_path / "new.onnx", "model")
    assert caught.value.name == "onnxscript"
