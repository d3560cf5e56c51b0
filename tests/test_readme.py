"""README.md and CONTRIBUTING.md: whatever they name exists, and the code of the README runs."""

import ast
import re
import shlex
from pathlib import Path

import pytest
import typer

from fedaffect import registry
from fedaffect.cli.main import app
from fedaffect.experiment import Experiment, presets, scenarios

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
BLOCKS = re.findall(r"^```\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
COMMANDS = [c for block in BLOCKS for c in block.splitlines() if c.startswith("fedaffect ")]
IN_TABLE = re.findall(r"^\| `(fedaffect [^`]*)`", README, re.MULTILINE)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text("utf-8").replace("\n", " "))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def parsed(command: str):
    """The parameters of a command, as typer parses them; a usage error where an option does not exist."""
    group, words = typer.main.get_command(app), shlex.split(command)[1:]
    context = group.make_context("fedaffect", list(words), resilient_parsing=True)
    while hasattr(group, "get_command"):
        group = group.get_command(context, words.pop(0))
        assert group is not None, command
    return group.make_context(command, words).params


@pytest.mark.parametrize("command", COMMANDS + IN_TABLE)
def test_every_command_parses(command):
    given = parsed(command.partition("#")[0])
    if given.get("experiment") in presets():
        Experiment.load(given["experiment"], given.get("settings") or ())


def test_options_presets_and_names_exist():
    assert "fedaffect data check" not in COMMANDS  # it is named in a sentence
    assert Path("x") in parsed("fedaffect data check x").values()
    parsed("fedaffect run demo --seeds 3 --jobs 2 --resume --scenario speakers --json")
    assert set(re.findall(r"--scenario\s+([a-z-]+)", README)) <= set(scenarios())
    assert {"in-vehicle-faces", "in-vehicle-body"} <= set(presets())
    for kind in ("model", "algorithm"):
        for name in registry.names(kind):
            assert f"`{name}`" in README, f"{kind} {name}"


def test_make_targets_exist():
    targets = re.findall(r"^make (\w+)", README, re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert targets
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_the_python_code_runs(tmp_path, monkeypatch, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert ast.parse(code)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})  # our own page
    assert "'neutral'" in capsys.readouterr().out
    assert (tmp_path / "runs/fedmpd/report.html").is_file()


def test_contributing_lists_every_folder_as_it_introduces_itself():
    package = ROOT / "src" / "fedaffect"
    for file in sorted(package.rglob("__init__.py")):
        folder = file.parent.relative_to(package).as_posix()
        if folder != ".":
            line = file.read_text("utf-8").removeprefix('"""').splitlines()[0].removesuffix('"""')
            assert f"| `{folder}/` | {line} |" in CONTRIBUTING, folder
