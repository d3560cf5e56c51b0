"""Runs that start from the model of another run."""

from dataclasses import replace

import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.experiment import Experiment, Start
from fedaffect.learning import saved
from fedaffect.learning.build import build_learner
from fedaffect.learning.initial_model import resolved
from fedaffect.learning.torch.trainer import ConversationTrainer

EXPERIMENT = Experiment().with_settings(["model.width=8", "model.heads=2", "seed=3"])


@pytest.fixture(scope="module")
def corpus(make_corpus):
    return make_corpus(conversations=5, turns=4)


@pytest.fixture
def run(tmp_path, corpus):
    """A folder with a model that is not the seed's first one."""
    learner = ConversationTrainer(corpus, EXPERIMENT.model_copy(update={"seed": 4}))
    wide = np.zeros(3, np.float32)
    tensors = {**learner.get(), "features/text/mean": wide, "features/text/scale": wide + 1}
    saved.save(tmp_path / "model", EXPERIMENT, corpus, [("model", tensors)], "# A card\n")
    return tmp_path


def build(run, corpus, *settings):
    return build_learner(corpus, EXPERIMENT.with_settings([f"start.run={run}", *settings]))


def test_everybody_starts_from_its_model(run, corpus):
    found = build(run, corpus).get()
    expected = saved.tensors_of(run / "model", "model")
    assert found.keys() == {name for name in expected if name.startswith("model/")}
    for name, array in found.items():
        np.testing.assert_array_equal(array, expected[name])


def test_a_run_records_its_initial_model_and_refuses_another(run, corpus):
    assert resolved(Start()) == Start()
    recorded = resolved(Start(run=str(run)))
    assert len(recorded.sha256) == 64
    assert resolved(recorded) == recorded
    other = ConversationTrainer(corpus, EXPERIMENT).get()
    saved.save(run / "model", EXPERIMENT, corpus, [("model", other)], "# A card\n")
    with pytest.raises(UserError, match=r"start.run: .*model.safetensors: its SHA-256 is [0-9a-f]"):
        resolved(recorded)
    (run / "model" / "model.safetensors").unlink()
    with pytest.raises(UserError, match="no such file; restore it"):
        resolved(recorded)


def test_a_folder_without_one_model_of_all_is_refused(run, corpus, tmp_path):
    with pytest.raises(UserError, match=r"start.run: .*nowhere/model: no trained model here"):
        resolved(Start(run=str(tmp_path / "nowhere")))
    saved.save(run / "model", EXPERIMENT, corpus, [("client-00", {})], "# A card\n")
    with pytest.raises(
        UserError, match=r"start.run: .*: it has a model for each client; name a run with"
    ):
        resolved(Start(run=str(run)))


def test_a_recorded_model_that_is_gone_is_accepted(run):
    """A finished run can be read without it; training needs the model itself."""
    recorded = resolved(Start(run=str(run)))
    gone = recorded.model_copy(update={"run": str(run / "gone")})
    assert resolved(gone) == gone


def test_a_run_of_several_seeds_is_refused(run, tmp_path):
    (tmp_path / "several").mkdir()
    run.joinpath("model").rename(tmp_path / "several" / "model")
    (tmp_path / "seeds" / "seed-0").mkdir(parents=True)
    (tmp_path / "several" / "model").rename(tmp_path / "seeds" / "seed-0" / "model")
    with pytest.raises(UserError, match=r"start.run: .*seeds: a run of several seeds; name one"):
        resolved(Start(run=str(tmp_path / "seeds")))
    assert resolved(Start(run=str(tmp_path / "seeds" / "seed-0"))).sha256


def test_a_model_that_takes_no_initial_model_is_refused(run, corpus):
    with pytest.raises(UserError, match=r"start.run: forest takes no initial model; leave start"):
        build(run, corpus, "model={name='forest'}", "algorithm.name=local")


def test_a_model_of_another_kind_is_refused(run, corpus):
    with pytest.raises(UserError, match=r"start.run: .*: its model is sdt; set model.name=sdt"):
        build(run, corpus, "model={name='early_fusion'}")


def test_a_model_that_does_not_fit_is_refused(run, corpus):
    with pytest.raises(
        UserError, match=r"start.run: .*tensor .*: .*, not .*; use the same model settings"
    ):
        build(run, corpus, "model.width=16")
    renamed = replace(corpus, classes=("x", *corpus.classes[1:]))
    with pytest.raises(
        UserError, match=r"start.run: .*: its classes are .*, those of .* the same classes in"
    ):
        build(run, renamed)
