"""Predictions of a saved model for other corpora than the one it was trained on."""

from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy

from fedaffect.errors import UserError
from fedaffect.learning import saved
from fedaffect.learning.predictor import predict
from fedaffect.learning.torch.trainer import ConversationTrainer
from fedaffect.schema import UNLABELLED


def test_predictions_are_those_of_the_trained_model(model_folder, corpus, tensors, experiment):
    learner = ConversationTrainer(corpus, experiment)
    learner.set(tensors)
    expected = learner.predict(np.arange(5))
    found = predict(model_folder, corpus, "global", "cpu")
    np.testing.assert_array_equal(found.probability, expected.probability)
    np.testing.assert_array_equal(found.modality_weights, expected.modality_weights)
    np.testing.assert_array_equal(found.corpus.label, corpus.label)


def test_a_model_trained_on_votes_needs_none_to_predict(tmp_path, corpus, tensors, experiment):
    soft = experiment.with_settings(["training.soft_labels=true"])
    for name, chosen in (("soft", soft), ("hard", experiment)):
        saved.save(tmp_path / name, chosen, corpus, [("model", tensors)], "# A card\n")
    found = [predict(tmp_path / n, corpus, "model", "cpu") for n in ("soft", "hard")]
    np.testing.assert_array_equal(found[0].probability, found[1].probability)


def test_a_modality_that_the_corpus_lacks_is_missing(model_folder, corpus):
    found = predict(model_folder, corpus.with_modalities(("text",)), "global", "cpu")
    np.testing.assert_array_equal(found.modality_weights, [[0, 1]] * 20)
    masked = replace(corpus, present={**corpus.present, "audio": np.zeros(20, bool)})
    expected = predict(model_folder, masked, "global", "cpu")
    np.testing.assert_array_equal(found.probability, expected.probability)


def test_a_modality_that_the_model_does_not_know_is_ignored(model_folder, corpus):
    more = replace(
        corpus,
        features={**corpus.features, "body": np.ones((20, 9), np.float32)},
        present={**corpus.present, "body": np.ones(20, bool)},
    )
    found, expected = (predict(model_folder, c, "global", "cpu") for c in (more, corpus))
    np.testing.assert_array_equal(found.probability, expected.probability)


def test_classes_go_by_name(model_folder, corpus):
    """In another order, with one that the model does not know."""
    order = ("class-2", "unknown", "class-0", "class-1")
    position = np.array([2, 3, 0])
    label = position[corpus.label]
    label[:3] = 1
    found = predict(model_folder, replace(corpus, classes=order, label=label), "global", "cpu")
    np.testing.assert_array_equal(found.corpus.label[3:], corpus.label[3:])
    assert found.corpus.label[:3].tolist() == [UNLABELLED] * 3
    assert found.corpus.classes == corpus.classes


def test_fewer_roles_fit_and_more_do_not(model_folder, make_corpus):
    alone = make_corpus(conversations=2, turns=3, roles=1)
    assert predict(model_folder, alone, "global", "cpu").probability.shape == (6, 3)
    with pytest.raises(UserError, match="a conversation has 3 roles, the model knows 2"):
        predict(model_folder, make_corpus(conversations=2, turns=3, roles=3), "global", "cpu")


@pytest.mark.parametrize(
    ("modalities", "message"),
    [
        ({"text": 5, "audio": 3}, r"modality `text` has features of shape \(5,\), .* on \(4,\)"),
        ({"face": 3}, "has face, none of the model's modalities; give a corpus with audio or text"),
    ],
)
def test_a_corpus_that_does_not_fit_is_refused(model_folder, make_corpus, modalities, message):
    other = make_corpus(conversations=2, turns=3, modalities=modalities)
    with pytest.raises(UserError, match=message):
        predict(model_folder, other, "global", "cpu")


@pytest.mark.parametrize("damage", ["missing", "half", "fewer", "other"])
def test_tensors_that_are_not_the_models_are_refused(model_folder, corpus, tensors, damage):
    path = model_folder / "global.safetensors"
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
        predict(model_folder, corpus, "global", "cpu")
