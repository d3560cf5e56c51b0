"""A run that goes on from what another one learnt."""

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


def begun(run, corpus, *settings):
    return build_learner(corpus, EXPERIMENT.with_settings([f"start.run={run}", *settings]))


def test_everybody_starts_from_its_model(run, corpus):
    found = begun(run, corpus).get()
    expected = saved.tensors_of(run / "model", "model")
    assert found.keys() == {name for name in expected if name.startswith("model/")}
    for name, array in found.items():
        np.testing.assert_array_equal(array, expected[name])


def test_a_run_notes_which_model_that_was_and_refuses_another(run, corpus):
    assert resolved(Start()) == Start()
    noted = resolved(Start(run=str(run)))
    assert len(noted.sha256) == 64
    assert resolved(noted) == noted
    other = ConversationTrainer(corpus, EXPERIMENT).get()
    saved.save(run / "model", EXPERIMENT, corpus, [("model", other)], "# A card\n")
    with pytest.raises(UserError, match=r"start.run: .*model.safetensors: its SHA-256 is [0-9a-f]"):
        resolved(noted)
    (run / "model" / "model.safetensors").unlink()
    with pytest.raises(UserError, match="no such file; restore it"):
        resolved(noted)


def test_a_folder_without_one_model_of_all_is_refused(run, corpus, tmp_path):
    with pytest.raises(UserError, match=r"start.run: .*nowhere/model: no trained model here"):
        resolved(Start(run=str(tmp_path / "nowhere")))
    saved.save(run / "model", EXPERIMENT, corpus, [("client-00", {})], "# A card\n")
    with pytest.raises(
        UserError, match=r"start.run: .*: it has a model a client; name a run whose"
    ):
        resolved(Start(run=str(run)))


def test_what_has_gone_since_it_was_noted_is_taken_on_trust(run):
    """So that a finished run can be read; who learns needs the model itself."""
    noted = resolved(Start(run=str(run)))
    gone = noted.model_copy(update={"run": str(run / "gone")})
    assert resolved(gone) == gone


def test_several_seeds_are_no_one_model(run, tmp_path):
    (tmp_path / "several").mkdir()
    run.joinpath("model").rename(tmp_path / "several" / "model")
    (tmp_path / "seeds" / "seed-0").mkdir(parents=True)
    (tmp_path / "several" / "model").rename(tmp_path / "seeds" / "seed-0" / "model")
    with pytest.raises(UserError, match=r"start.run: .*seeds: holds several seeds; name one"):
        resolved(Start(run=str(tmp_path / "seeds")))
    assert resolved(Start(run=str(tmp_path / "seeds" / "seed-0"))).sha256


def test_who_starts_from_nothing_says_so(run, corpus):
    with pytest.raises(UserError, match=r"start.run: forest starts from nothing"):
        begun(run, corpus, "model={name='forest'}", "algorithm.name=local")


def test_a_model_of_another_kind_is_refused(run, corpus):
    with pytest.raises(UserError, match=r"start.run: .*: its model is sdt, not early_fusion"):
        begun(run, corpus, "model={name='early_fusion'}")


def test_a_model_that_does_not_fit_is_refused(run, corpus):
    with pytest.raises(
        UserError, match=r"start.run: .*tensor .* does not fit: .* other model sett"
    ):
        begun(run, corpus, "model.width=16")
    renamed = replace(corpus, classes=("x", *corpus.classes[1:]))
    with pytest.raises(
        UserError, match=r"start.run: .*: it tells .* apart, .* the same classes in"
    ):
        begun(run, renamed)
