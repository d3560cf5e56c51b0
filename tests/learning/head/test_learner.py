"""The learner of clients without torch: a linear head on embeddings of a frozen backbone."""

from dataclasses import replace

import numpy as np
import pytest

from fedaffect.corpus.partition import all_in_one_client
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.inference.backbone import Backbone
from fedaffect.learning.head.learner import HeadLearner, settings_of
from fedaffect.learning.head.softmax_regression import BIAS, WEIGHT
from fedaffect.learning.learner import DivergedError, FitOptions, GradientCorrection
from fedaffect.schema import ClientData


@pytest.fixture
def corpus(make_faces):
    return make_faces(items=40, missing=0.2)


@pytest.fixture
def file(make_backbone, tmp_path):
    file = tmp_path / "backbone.onnx"
    file.write_bytes(make_backbone())
    return file


@pytest.fixture
def experiment(file):
    def of(*settings):
        head = f"model={{name='head', backbone='{file}'}}"
        return Experiment().with_settings([head, "training.learning_rate=0.05", *settings])

    return of


@pytest.fixture
def learner(corpus, experiment):
    return HeadLearner(corpus, experiment("training.local_epochs=20"))


def test_it_learns(corpus, learner):
    data = all_in_one_client(corpus)[0]
    first = learner.fit(data, FitOptions(seed=0, epochs=1))
    fit = learner.fit(data, FitOptions(seed=0))
    assert fit.loss < first.loss < np.log(3) + 0.1
    assert (fit.steps, fit.parts, fit.untouched) == (40, {}, frozenset())  # 20 faces, 16 a batch
    outputs = learner.predict(corpus.conversations_in("test"))
    seen = corpus.present["face"][outputs.item]
    right = outputs.probability.argmax(axis=1) == corpus.label[outputs.item]
    assert right[seen].mean() > 0.8


def test_outputs(corpus, learner, file):
    learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=0, epochs=1))
    outputs = learner.predict(corpus.conversations_in("dev"))
    np.testing.assert_array_equal(outputs.item, np.flatnonzero(corpus.items_in("dev")))
    z, _ = Backbone.read(file).embed(corpus.features["face"][outputs.item])
    seen = corpus.present["face"][outputs.item]
    np.testing.assert_allclose(outputs.embedding[seen], z[seen], rtol=1e-5)
    model = learner.get()
    logits = z @ model[WEIGHT].T + model[BIAS]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(outputs.probability[seen], expected[seen], rtol=1e-5)
    np.testing.assert_array_equal(outputs.modality_weights[:, 0], seen)


def test_without_an_image_probabilities_are_uniform(corpus, learner):
    learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=0, epochs=1))
    absent = np.flatnonzero(~corpus.present["face"])
    assert len(absent)
    outputs = learner.predict(corpus.conversation[absent])
    np.testing.assert_allclose(outputs.probability, 1 / 3)
    np.testing.assert_array_equal(outputs.embedding, 0)


def test_an_image_is_embedded_once(corpus, learner, monkeypatch):
    counted = []
    embed = Backbone.embed

    def spied(self, images):
        counted.append(len(images))
        return embed(self, images)

    monkeypatch.setattr(Backbone, "embed", spied)
    data = all_in_one_client(corpus)[0]
    learner.fit(data, FitOptions(seed=0))
    learner.predict(data.conversations)
    seen = corpus.present["face"]
    assert sum(counted) == (seen & corpus.items_in("train")).sum()  # its own share, and no more
    learner.predict(np.arange(len(corpus)))
    assert sum(counted) == seen.sum()


def test_what_a_client_does_not_see_it_neither_embeds_nor_learns(corpus, learner):
    data = all_in_one_client(corpus)[0]
    hidden = replace(data, hidden={"face": np.ones(len(corpus), bool)})
    before = learner.get()
    with learner.using_view(hidden.view(corpus)):
        fit = learner.fit(hidden, FitOptions(seed=0))
        assert not learner.predict(data.conversations).embedding.any()
    assert (fit.loss, fit.untouched) == (0.0, {WEIGHT, BIAS})
    assert fit.steps == 40  # as the trainer of torch: who divides by steps can
    for name, array in before.items():
        np.testing.assert_array_equal(learner.get()[name], array)


def test_labels_of_ones_own(corpus, learner):
    data = all_in_one_client(corpus)[0]
    own = replace(data, label=np.full(data.volume, 2))
    with learner.using_view(own.view(corpus)):
        learner.fit(own, FitOptions(seed=0))
    outputs = learner.predict(data.conversations)
    assert (outputs.probability.argmax(axis=1)[outputs.modality_weights[:, 0] > 0] == 2).all()


def test_the_same_seed_gives_the_same_bits(corpus, experiment):
    def learnt(seed):
        learner = HeadLearner(corpus, experiment())
        learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=seed))
        return learner.get()

    first, again, other = learnt(0), learnt(0), learnt(1)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first[WEIGHT], other[WEIGHT])


def test_a_straggler_takes_fewer_steps(corpus, learner):
    assert (
        learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=0, completed_fraction=0.3)).steps
        == 12
    )


def test_only_what_may_learn_learns(corpus, learner):
    learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=0, only=[BIAS]))
    assert not learner.get()[WEIGHT].any()
    assert learner.get()[BIAS].any()


def test_an_anchor_holds_and_a_slope_moves(corpus, experiment):
    """SGD over all items at once: one step is -rate (g + linear + proximal (w - anchor))."""
    data = all_in_one_client(corpus)[0]
    settings = ("training.optimiser=sgd", "training.batch_size=99", "training.weight_decay=0")

    def moved(correction):
        learner = HeadLearner(corpus, experiment(*settings))
        learner.fit(data, FitOptions(seed=0, correction=correction, learning_rate=0.5))
        return learner.get()

    plain = moved(None)
    ones = {name: np.ones_like(array) for name, array in plain.items()}
    for name, array in moved(GradientCorrection(linear=ones)).items():
        np.testing.assert_allclose(array, plain[name] - 0.5, atol=1e-6)
    for name, array in moved(GradientCorrection(anchor=ones, proximal=0.2)).items():
        np.testing.assert_allclose(array, plain[name] + 0.5 * 0.2, atol=1e-6)


def test_the_optimiser_goes_on(corpus, experiment):
    """Two fits of an epoch with the state kept are one of two epochs, but for the batches' order."""
    learner = HeadLearner(
        corpus, experiment("training.optimiser_state=keep", "training.batch_size=99")
    )
    data = all_in_one_client(corpus)[0]
    fit = learner.fit(data, FitOptions(seed=0))
    assert fit.optimiser["optimiser/classify/bias/step"] == 1
    learner.fit(data, FitOptions(seed=1, optimiser=fit.optimiser))
    other = HeadLearner(corpus, experiment("training.batch_size=99"))
    assert other.fit(data, FitOptions(seed=0, epochs=2)).optimiser == {}
    for name, array in other.get().items():
        np.testing.assert_allclose(learner.get()[name], array, rtol=1e-4, atol=1e-6)


def test_get_and_set(corpus, learner, experiment):
    learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=0))
    other = HeadLearner(corpus, experiment())
    other.set(learner.get())
    dev = corpus.conversations_in("dev")
    np.testing.assert_array_equal(other.predict(dev).probability, learner.predict(dev).probability)
    other.get()[WEIGHT][:] = 7
    np.testing.assert_array_equal(other.get()[WEIGHT], learner.get()[WEIGHT])


def test_another_head_is_refused_and_the_old_one_stays(learner):
    with pytest.raises(UserError, match=r"`model/classify/bias`: none, not float32 \[3\]"):
        learner.set({WEIGHT: np.ones((3, 8), np.float32)})
    with pytest.raises(UserError, match=r"weight`: float32 \[3, 9\], not float32 \["):
        learner.set({WEIGHT: np.ones((3, 9), np.float32), BIAS: np.ones(3, np.float32)})
    assert not learner.get()[WEIGHT].any()


def test_a_loss_that_leaves_the_numbers_is_told(corpus, learner):
    learner.set({WEIGHT: np.full((3, 8), np.nan, np.float32), BIAS: np.zeros(3, np.float32)})
    with pytest.raises(DivergedError, match="after 2 steps"):
        learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=0))


def test_a_loss_of_embeddings_is_a_constant(corpus, learner):
    """As FedProto's: it would be called with torch's tensors, which there are none of here."""
    learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=0, extra_loss=lambda *_: 1 / 0))
    assert learner.get()[WEIGHT].any()


def test_unsupported_options_are_refused(corpus, experiment, learner):
    data = all_in_one_client(corpus)[0]
    with pytest.raises(UserError, match="distil_from: a head has no students"):
        learner.fit(data, FitOptions(seed=0, teacher=np.ones((40, 3), np.float32)))
    own = HeadLearner(corpus, experiment("algorithm.name=mine:Mine"))
    with pytest.raises(UserError, match="mine:Mine has a loss of its own"):
        own.fit(data, FitOptions(seed=0, extra_loss=lambda *_: 0))


@pytest.mark.parametrize(
    ("setting", "cure"),
    [
        ("focal=2", "training.focal=0.0"),
        ("soft_labels=true", "training.soft_labels=false"),
        ("modality_dropout=0.1", "training.modality_dropout=0.0"),
        ("contrastive_weight=1", "training.contrastive_weight=0.0"),
        ("precision=bfloat16", "set it to auto"),
    ],
)
def test_unsupported_settings_are_refused(corpus, experiment, setting, cure):
    with pytest.raises(UserError, match=cure):
        HeadLearner(corpus, experiment(f"training.{setting}"))


def test_other_images_and_other_modalities(make_corpus, make_faces, experiment):
    with pytest.raises(
        UserError, match=r"uint8 images \(12, 12\); faces has face uint8 \(16, 16\)"
    ):
        HeadLearner(make_faces(side=16), experiment())
    with pytest.raises(UserError, match=r"tiny has audio float32 \(3,\), text float32 \(4,\)"):
        HeadLearner(make_corpus(), experiment())


def test_the_backbone_is_known_by_its_digest(corpus, experiment, file, make_backbone):
    settings = settings_of(experiment())
    assert len(settings.sha256) == 64
    noted = experiment(f"model.sha256='{settings.sha256}'")
    HeadLearner(corpus, noted)
    file.write_bytes(make_backbone(seed=1))
    with pytest.raises(UserError, match="another backbone than the head"):
        HeadLearner(corpus, noted)
    file.unlink()
    with pytest.raises(UserError, match=r"backbone\.onnx: no such file; put it back"):
        settings_of(noted)


def test_a_share_of_nothing(learner):
    nothing = ClientData("nobody", np.zeros(0, np.int64), np.zeros(0, np.int64))
    assert learner.fit(nothing, FitOptions(seed=0)).steps == 0
