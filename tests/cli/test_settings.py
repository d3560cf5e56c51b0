import pytest
from typer.testing import CliRunner

from fedaffect.cli.main import app
from fedaffect.errors import UserError


def test_a_section_alone() -> None:
    printed = CliRunner().invoke(app, ["settings", "neighbours", "--markdown"]).output
    assert "`model.reach`" in printed
    assert "rounds.count" not in printed


def test_an_unknown_section_names_those_there_are() -> None:
    caught = CliRunner().invoke(app, ["settings", "rouns"]).exception
    assert isinstance(caught, UserError)
    with pytest.raises(UserError, match=r"no such section; there are: .*rounds"):
        raise caught


def test_an_algorithm_without_settings_is_said_to_have_none() -> None:
    caught = CliRunner().invoke(app, ["settings", "local"]).exception
    assert isinstance(caught, UserError)
    assert str(caught) == "algorithm local: has no settings of its own"
