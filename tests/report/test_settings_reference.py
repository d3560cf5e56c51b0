import json
from pathlib import Path

from fedaffect.experiment import Experiment, flat
from fedaffect.report.settings_reference import as_json, as_markdown, every_setting

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_no_setting_of_an_experiment_is_left_out() -> None:
    names = {s.name for settings in every_setting().values() for s in settings}
    assert set(flat(Experiment().model_dump())) <= names


def test_models_and_algorithms_tell_their_own() -> None:
    every = every_setting()
    dropout = next(s for s in every["model sdt"] if s.name == "model.dropout")
    assert (dropout.allowed, dropout.default) == ("number ≥ 0 < 1", "0.5")
    beta = next(s for s in every["model sdt"] if s.name == "model.beta")
    assert beta.allowed == "learned | number > -1"
    assert {s.name for s in every["algorithm fedproto"]} == {
        "algorithm.lambda_",
        "algorithm.weighting",
    }
    assert json.loads(as_json(every))["rounds"][0]["name"] == "rounds.count"


def test_the_page_is_up_to_date() -> None:
    """Else: fedaffect settings --markdown > docs/settings.md"""
    assert as_markdown(every_setting()).strip() in PAGE.read_text("utf-8")
