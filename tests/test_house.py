"""The law of the house: imports point down it only; torch stays where learning is."""

from pathlib import Path

import pytest
from importlinter import cli

ROOT = Path(__file__).parents[1]


def lint(configuration: Path) -> int:
    return cli.lint_imports(config_filename=str(configuration), no_cache=True)


def test_imports_point_down_the_house() -> None:
    assert lint(ROOT / "pyproject.toml") == cli.EXIT_STATUS_SUCCESS


def test_a_law_turned_upside_down_is_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The linter sees this package: what is forbidden here does happen."""
    (tmp_path / ".importlinter").write_text(
        "[importlinter]\nroot_package = fedaffect\n\n"
        "[importlinter:contract:upside-down]\nname = Upside down\ntype = layers\n"
        "layers =\n    fedaffect.errors\n    fedaffect.cli\n"
    )
    assert lint(tmp_path / ".importlinter") == cli.EXIT_STATUS_ERROR
    assert "fedaffect.errors" in capsys.readouterr().out
