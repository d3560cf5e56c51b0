"""A section that gets another name loses the keys of the old one; names of the release before are read."""

import warnings

import pytest

from fedaffect import registry
from fedaffect.errors import Note, UserError
from fedaffect.experiment import Experiment, presets
from fedaffect.runs.execute import resolved


@pytest.mark.parametrize("preset", presets())
@pytest.mark.parametrize(
    ("section", "name"),
    [(kind, n) for kind in ("model", "algorithm", "partition") for n in registry.names(kind)],
)
@pytest.mark.filterwarnings("ignore::fedaffect.errors.Note")
def test_every_preset_takes_every_name(preset, section, name):
    experiment = Experiment.load(preset, [f"{section}.name={name}"])
    if name == "head":  # the one that has a setting without a default
        with pytest.raises(UserError, match="model head: backbone: is missing"):
            resolved(experiment)
    else:
        assert getattr(resolved(experiment), section).name == name


def test_what_was_dropped_is_noted():
    with pytest.warns(Note, match="model.name=mmgcn: settings of sdt dropped: .*heads=4.*width=64"):
        experiment = Experiment.load("demo", ["model.name=mmgcn", "model.layers=2"])
    assert experiment.model.settings == {"layers": 2}


def test_the_keys_of_the_section_itself_stay():
    experiment = Experiment().with_settings(["partition.clients=3", "partition.name=volume"])
    assert experiment.partition.clients == 3


@pytest.mark.parametrize("name", ["sdt", "demo's own"])
def test_the_same_name_drops_nothing(name):
    settings = ["model.name=sdt"] if name == "sdt" else []
    with warnings.catch_warnings():
        warnings.simplefilter("error", Note)
        assert Experiment.load("demo", settings).model.settings["width"] == 64


def test_keys_without_a_name_belong_to_the_default():
    table = Experiment.from_table({"model": {"width": 8}}, "a file")
    with pytest.warns(Note, match="settings of sdt dropped: width=8"):
        assert table.with_settings(["model.name=icon"]).model.settings == {}


@pytest.mark.parametrize(
    ("settings", "section", "key", "value"),
    [
        (["algorithm.name=fedprox", "algorithm.strength=0.5"], "algorithm", "mu", 0.5),
        (["algorithm.name=feddyn", "algorithm.strength=0.5"], "algorithm", "alpha", 0.5),
        (["algorithm.name=fedmpd", "algorithm.strength=0.5"], "algorithm", "lambda_", 0.5),
        (["conditions.spoilt_pictures=0.5"], "conditions", "corrupted_pictures", 0.5),
        (["model.name=council"], "model", "name", "codistilled_ensemble"),
    ],
)
def test_settings_of_the_release_before_are_read_with_a_note(settings, section, key, value):
    with pytest.warns(Note, match="is now called .*; write that"):
        experiment = Experiment().with_settings(settings)
    assert getattr(resolved(experiment), section).model_dump()[key] == value
