import pytest
import torch
from torch import nn

from fedaffect import registry
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment, Section, presets
from fedaffect.models import build, is_network, reads_images
from fedaffect.models.sdt import SDT


class Own(nn.Module):
    class Settings(Section):
        depth: int = 1

    def __init__(self, settings, *, modalities, roles, classes):
        super().__init__()
        self.given = settings.depth, dict(modalities), roles, classes


def make(name="sdt", settings=None, modalities=None):
    return build(name, settings or {}, modalities=modalities or {"text": 4}, roles=2, classes=3)


def test_finds_a_model_by_its_file():
    assert "sdt" in registry.names("model")
    assert not {"base", "layers"} & set(registry.names("model"))
    assert isinstance(make("sdt", {"width": 16, "heads": 2}), SDT)


def test_finds_a_class_of_ones_own(monkeypatch):
    module = type(torch)("own_models")
    module.Own = Own
    monkeypatch.setitem(__import__("sys").modules, "own_models", module)
    assert make("own_models:Own", {"depth": 3}).given == (3, {"text": 4}, 2, 3)


@pytest.mark.parametrize(
    "name",
    ["sdtt", "batch", "layers", "no_such_package:Model", "torch:nn", "torch:Nothing", ":X", ".a:X"],
)
def test_an_unknown_model_is_one_line_naming_what_exists(name):
    with pytest.raises(UserError, match=r"^model\.name: ") as error:
        make(name)
    assert "\n" not in str(error.value)
    if ":" not in name:
        assert "sdt" in str(error.value)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"widht": 64}, "widht"),
        ({"width": 65}, "not a multiple of heads"),
        ({"fusion": "sum"}, "fusion"),
        ({"beta": -1.0}, "beta"),
        ({"dropout": 1.0}, "dropout"),
        ({"modality_order": ["text", "smell"]}, "modality_order"),
        ({"modality_order": ["text", "text"]}, "at most once"),
    ],
)
def test_a_wrong_setting_is_named(settings, field):
    with pytest.raises(UserError, match=field):
        make("sdt", settings)


@pytest.mark.parametrize("modality", ["text.v2", "a/b", "text->audio", "", "keys", "training"])
def test_a_modality_that_cannot_name_parameters_is_refused(modality):
    with pytest.raises(UserError, match="rename it"):
        make("sdt", {}, {modality: 4})


def test_images_are_for_models_that_say_so():
    with pytest.raises(UserError, match=r"modality `face`: sdt reads vectors, not \(4, 6\)"):
        make("sdt", {}, {"face": (4, 6), "text": 4})
    assert reads_images("face_cnn")
    make("face_cnn", {}, {"face": (4, 6)})


def test_the_same_seed_gives_the_same_parameters():
    def parameters():
        torch.manual_seed(5)
        return make("sdt", {"width": 16, "heads": 2}).state_dict()

    first, second = parameters(), parameters()
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_modalities_that_are_not_ordered_follow_by_name():
    def order(*first):
        settings = {"fusion": "attention_score", "modality_order": list(first)}
        return make("sdt", settings, dict.fromkeys(("audio", "text", "visual"), 4)).fusion.order

    assert order() == (0, 1, 2)
    assert order("text") == (1, 0, 2)
    assert order("visual", "text") == (2, 1, 0)


@pytest.mark.parametrize("preset", presets())
def test_every_preset_builds_on_the_field_s_feature_files(preset):
    """SDT's and MMGCN's pickles call the third modality `visual`, ours `nonverbal` or `video`."""
    model = Experiment.load(preset).model
    if not is_network(model.name):
        pytest.skip("no network")
    if reads_images(model.name):
        pytest.skip("of images")
    for third in ("visual", "nonverbal", "video"):
        make(model.name, model.settings, {"audio": 4, third: 4, "text": 4})
