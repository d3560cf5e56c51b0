"""Scenarios: parts of an experiment that compose."""

from importlib import resources
from itertools import permutations
from pathlib import Path

import pytest

from fedaffect.errors import UserError
from fedaffect.experiment import Conditions, Experiment, flat, presets, scenarios

PAGE = Path(__file__).parents[2] / "docs" / "conditions.md"
FOLDER = resources.files("fedaffect.experiment") / "scenarios"
PARTITIONS = ("random-class-sets", "dirichlet-0.3", "unequal-volumes", "speakers", "in-vehicle")
OTHERS = sorted(set(scenarios()) - set(PARTITIONS))


def under(*names, base="demo", settings=()):
    return Experiment.load(base, [*(f"scenario={name}" for name in names), *settings])


def changes(experiment, base="demo"):
    before = flat(Experiment.load(base).model_dump())
    return {n: v for n, v in flat(experiment.model_dump()).items() if before[n] != v}


@pytest.mark.parametrize("name", scenarios())
def test_a_scenario_says_in_one_line_what_it_is_and_fits_every_preset(name):
    text = (FOLDER / f"{name}.toml").read_text("utf-8")
    first, second, *_ = text.splitlines()
    assert first.startswith("# ")
    assert first.endswith(".")
    assert second.startswith("[")
    for preset in presets():
        assert under(name, base=preset).name == preset


@pytest.mark.parametrize("name", scenarios())
def test_the_page_lists_it_in_its_own_words(name):
    line = (FOLDER / f"{name}.toml").read_text("utf-8").splitlines()[0].removeprefix("# ")
    assert f"| `{name}` | {line} |" in PAGE.read_text("utf-8")


def test_the_page_explains_every_condition():
    page = PAGE.read_text("utf-8")
    assert [name for name in Conditions.model_fields if f"`{name}" not in page] == []


def test_all_that_do_not_clash_compose_in_any_order():
    found = under("dirichlet-0.3", *OTHERS)
    assert changes(found) == {
        "partition.name": "dirichlet",
        "partition.alpha": 0.3,
        "conditions.missing_clients": 0.5,
        "conditions.missing_utterances": 0.3,
        "conditions.missing_in": "everywhere",
        "conditions.label_noise": 0.2,
        "conditions.stragglers": 0.5,
        "conditions.drop_out": 0.3,
        "conditions.lost": 0.1,
        "conditions.late": 0.3,
        "conditions.late_discount": 0.5,
        "rounds.quorum": 0.25,
    }
    assert found.partition.clients == 20  # what none sets is the preset's
    assert all(under(*three) == under(*OTHERS[:3]) for three in permutations(OTHERS[:3]))


@pytest.mark.parametrize("pair", list(permutations(PARTITIONS, 2)))
def test_two_that_set_one_field_to_different_values_clash(pair):
    with pytest.raises(
        UserError, match=r"scenarios (.*) and (.*) clash: one sets partition\.(name|alpha) "
    ) as e:
        under(*pair)
    assert str(e.value).startswith(f"scenarios {pair[0]} and {pair[1]} clash")


def test_single_settings_come_last_wherever_they_stand():
    settings = ["conditions.lost=0.3", "scenario=unreliable-network", "conditions.late=0"]
    found = Experiment.load("demo", settings).conditions
    assert (found.lost, found.late, found.late_discount) == (0.3, 0.0, 0.5)
    assert Experiment.load("demo").with_settings(settings).conditions == found


def test_one_of_ones_own(tmp_path):
    path = tmp_path / "quiet.toml"
    path.write_text('[conditions]\nmissing_modality = "audio"\nmissing_clients = 1\n')
    found = under(path, "drop-outs")
    assert (found.conditions.missing_modality, found.conditions.drop_out) == ("audio", 0.3)
    path.write_text("[conditions]\ndrop_out = 0.1\n")
    with pytest.raises(
        UserError, match=r"quiet.toml and drop-outs clash: one sets conditions.drop_out"
    ):
        under(path, "drop-outs")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "[condition]\nlost = 0.1",
            r"scenario .*mine.toml: condition: no such setting; known here: ",
        ),
        ("[conditions]\nlost = 2", r"scenario .*mine.toml: conditions.lost: .*less than 1"),
        ("[conditions", r"mine.toml: not valid TOML"),
        ("conditions = 1", r"scenario .*mine.toml: conditions: "),
    ],
)
def test_a_wrong_one_is_named(tmp_path, content, message):
    path = tmp_path / "mine.toml"
    path.write_text(content)
    with pytest.raises(UserError, match=message):
        under(path)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("scenario=rain", r"rain: no such scenario; give a .toml file or one of: dirichlet-0.3, "),
        ("scenario=rain.toml", r"rain.toml: no such scenario file"),
        ("scenario", r"--set scenario: write it as section.name=value"),
    ],
)
def test_an_unknown_one_is_named(setting, message):
    with pytest.raises(UserError, match=message):
        Experiment.load("demo", [setting])


def test_a_kind_of_client_is_no_scenario():
    with pytest.raises(UserError, match=r"`scenario=speakers` is no setting of the model"):
        Experiment.load("demo", ['clients.variants=[["scenario=speakers"]]'])
