"""Experiments: from TOML and `--set`, back to TOML, and what a person is told."""

from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import model_validator

from fedaffect.errors import UserError
from fedaffect.experiment import Experiment, Section, online_probability, presets, validated
from fedaffect.federation.algorithms import find


@pytest.mark.parametrize("name", presets())
def test_presets_come_back_from_toml(name, tmp_path):
    preset = Experiment.load(name)
    path = tmp_path / "experiment.toml"
    path.write_text(preset.to_toml(), encoding="utf-8")
    assert Experiment.load(path) == preset
    assert preset.name == name


def test_there_are_the_presets_that_are_spoken_of():
    assert {"demo", "iemocap-small", "iemocap-20", "iemocap-paper"} <= set(presets())


def test_defaults_come_back_from_toml(tmp_path):
    path = tmp_path / "e.toml"
    path.write_text(Experiment().to_toml())
    assert Experiment.load(path) == Experiment()
    path.write_text("")
    assert Experiment.load(path) == Experiment()


def test_an_open_sections_own_settings_pass_through(tmp_path):
    settings = ['model.modality_order=["text", "audio"]', "algorithm.strength=0.5", "model.width=8"]
    chosen = Experiment().with_settings(settings)
    assert chosen.model.settings == {"modality_order": ["text", "audio"], "width": 8}
    assert chosen.algorithm.settings == {"strength": 0.5}
    path = tmp_path / "e.toml"
    path.write_text(chosen.to_toml())
    assert Experiment.load(path) == chosen
    assert Experiment.load(path).model.settings == chosen.model.settings


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("rounds.count=7", 7),
        ("training.learning_rate=3e-4", 3e-4),
        ("training.learning_rate=1", 1.0),
        ("training.detach_teacher=true", True),
        ("clients.rule=top_volume", "top_volume"),
        ("clients.availability=bernoulli(0.8)", "bernoulli(0.8)"),
        ("name=my-run", "my-run"),
        (" name = my-run ", "my-run"),
        ('data="a folder"', "a folder"),
        ("data=../with = sign", "../with = sign"),
    ],
)
def test_settings_are_typed(setting, value):
    path = setting.partition("=")[0].strip().split(".")
    found = Experiment().with_settings([setting])
    for name in path:
        found = getattr(found, name)
    assert found == value
    assert type(found) is type(value)


def test_the_last_of_two_settings_wins():
    assert Experiment().with_settings(["seed=1", "seed=2"]).seed == 2


def test_settings_come_after_the_file(tmp_path):
    path = tmp_path / "e.toml"
    path.write_text("seed = 1\n[rounds]\ncount = 3\npatience = 2\n")
    found = Experiment.load(path, ["rounds.count=9"])
    assert (found.seed, found.rounds.count, found.rounds.patience) == (1, 9, 2)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("rounds.cuont=3", r"--set: rounds.cuont: no such setting; known here: .*count"),
        ("rond.count=3", r"--set: rond: no such setting; known here: .*rounds"),
        ("training.learning_rate=fast", r"--set: training.learning_rate: .*\(given: 'fast'\)"),
        ("training.learning_rate=0", r"training.learning_rate: .*greater than 0"),
        ("rounds.count=2.5", r"rounds.count: .*integer"),
        ("rounds.patience=-1", r"rounds.patience: .*greater than or equal to 0"),
        (
            "partition.name=alphabetical",
            r"partition.name: no partition `alphabetical`; Known: dirichlet, iid",
        ),
        ("clients.availability=sometimes", r"clients.availability: availability is `always`, "),
        ("name=../elsewhere", r"name: "),
        ("device=tpu", r"device: "),
        ("training=3", r"training: "),
        ("name.first=x", r"--set name.first=x: `name` is a value, not a section"),
        ("rounds.count", r"--set rounds.count: write it as section.name=value"),
        ("=3", r"--set =3: write it as section.name=value"),
        ("rounds.=3", r"--set rounds.=3: write it as section.name=value"),
    ],
)
def test_wrong_settings_are_named(setting, message):
    with pytest.raises(UserError, match=message) as error:
        Experiment().with_settings([setting])
    assert "\n" not in str(error.value)


def test_what_two_settings_make_wrong_together_is_told_without_the_rest():
    class Range(Section):
        low: int
        high: int

        @model_validator(mode="after")
        def _ordered(self) -> Self:
            if self.low > self.high:
                raise ValueError("low: above high; turn them round")
            return self

    with pytest.raises(UserError, match=r"^range: low: above high; turn them round$"):
        validated(Range, {"low": 2, "high": 1}, "range")


def test_patience_lasts_until_a_second_score():
    calm = ["rounds.patience=5", "rounds.evaluate_every=5"]
    assert Experiment().with_settings(calm).rounds.patience == 5
    with pytest.raises(UserError, match=r"rounds.evaluate_every: patience 5 .* \(given: 6\)"):
        Experiment().with_settings([*calm, "rounds.evaluate_every=6"])
    assert Experiment().with_settings(["rounds.evaluate_every=6"]).rounds.patience == 0


@pytest.mark.parametrize("name", presets())
@pytest.mark.parametrize("baseline", ["local", "fedavg", "centralised"])
def test_every_preset_has_its_baselines(name, baseline):
    find(Experiment.load(name, [f"algorithm.name={baseline}"]).algorithm)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"seed = ", r"e.toml: not valid TOML"),
        (b"\xff\xfe", r"e.toml: "),
        (b"sede = 3", r"e.toml: sede: no such setting; known here: .*seed"),
        (
            b"[rounds]\ncount = 0",
            r"e.toml: rounds.count: .*greater than or equal to 1 \(given: 0\)",
        ),
    ],
)
def test_wrong_files_are_named(tmp_path, content, message):
    path = tmp_path / "e.toml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        Experiment.load(path)


def test_unknown_sources_are_named(tmp_path):
    with pytest.raises(UserError, match=r"iemocap-21: no such preset; .* one of: .*iemocap-20"):
        Experiment.load("iemocap-21")
    with pytest.raises(UserError, match=r"absent.toml: no such experiment file"):
        Experiment.load(tmp_path / "absent.toml")


def test_an_experiment_does_not_change():
    experiment = Experiment()
    with pytest.raises(ValueError, match="frozen"):
        experiment.seed = 3
    assert experiment.with_settings(["seed=3"]).seed == 3
    assert experiment.seed == 0


# --- availability --------------------------------------------------------------------------------


@given(st.integers(1, 1000))
def test_probabilities_are_read(thousandths):
    assert online_probability(f"bernoulli({thousandths / 1000})") == thousandths / 1000


def test_always_is_one():
    assert online_probability("always") == online_probability("bernoulli(1)") == 1.0
    assert online_probability("bernoulli(.5)") == 0.5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "never",
        "bernoulli",
        "bernoulli()",
        "bernoulli(0)",
        "bernoulli(1.5)",
        "0.5",
        "bernoulli(-0.5)",
        "bernoulli(nan)",
        " always",
        "bernoulli(0.5) ",
    ],
)
def test_other_availabilities_are_refused(text):
    with pytest.raises(ValueError, match=r"`always`, `bernoulli\(p\)`"):
        online_probability(text)
