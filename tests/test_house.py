"""The laws of the house, kept; and each of them broken in a copy, where the linter must see it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter import cli

from fedaffect import registry

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "fedaffect"
LINT = (
    "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
)
MAY_IMPORT_TORCH = ("models", "learning/torch", "federation/algorithms")


def test_the_laws_are_kept() -> None:
    configuration = str(ROOT / "pyproject.toml")
    assert cli.lint_imports(config_filename=configuration, no_cache=True) == 0


def lint_a_copy(folder: Path, added: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Lint a copy of the package, with a line added to the top of some of its files."""
    shutil.copytree(PACKAGE, folder / "src" / "fedaffect")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, line in added.items():
        file = folder / "src" / "fedaffect" / name
        docstring, quotes, rest = file.read_text("utf-8").partition('"""\n')
        file.write_text(f"{docstring}{quotes}{line}\n{rest}", "utf-8")
    environment = os.environ | {"PYTHONPATH": str(folder / "src"), "COLUMNS": "300"}
    command = [sys.executable, "-c", LINT]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        ("federation/server/round_loop.py", "import fedaffect.corpus.store", "A coordinator has"),
        ("federation/messages/update.py", "import fedaffect.learning.saved", "Only wiring|A coord"),
        ("federation/client/site.py", "import fedaffect.federation.server", "Only wiring knows"),
        ("federation/server/server.py", "import fedaffect.federation.client", "Only wiring knows"),
        ("corpus/store.py", "import fedaffect.learning.metrics", "Imports point down"),
        ("record/history.py", "import fedaffect.report.table", "Imports point down"),
    ],
)
def test_a_broken_law_is_seen(file: str, line: str, broken: str, tmp_path: Path) -> None:
    done = lint_a_copy(tmp_path, {file: line})
    assert done.returncode == 1
    seen = [text for text in done.stdout.splitlines() if "BROKEN" in text]
    assert any(text.startswith(tuple(broken.split("|"))) for text in seen)


def test_torch_in_any_other_file_is_seen(tmp_path: Path) -> None:
    """In every file outside its folders at once: the linter names each of them."""
    files = [path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")]
    elsewhere = [name for name in files if not name.startswith(MAY_IMPORT_TORCH)]
    done = lint_a_copy(tmp_path, dict.fromkeys(elsewhere, "import torch"))
    assert done.returncode == 1
    report = "".join(done.stdout.split())
    modules = [
        f"fedaffect.{name}".removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in elsewhere
    ]
    missed = [m for m in modules if m != "fedaffect.__init__" and f"-{m}->torch" not in report]
    assert missed == []


IMPORT = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
heavy = {m for m in sys.modules if m == "torch" or m.startswith("fedaffect.corpus")}
sys.exit(f"loaded: {sorted(heavy)[:3]}" if heavy else 0)
"""


def import_alone(*names: str, path: Path = PACKAGE.parent) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(path)}
    command = [sys.executable, "-c", IMPORT, *names]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_a_coordinator_and_every_algorithm_load_neither_torch_nor_a_corpus() -> None:
    server = (PACKAGE / "federation" / "server").rglob("*.py")
    names = [".".join(p.relative_to(PACKAGE.parent).with_suffix("").parts) for p in server]
    names = [name.removesuffix(".__init__") for name in names]
    names += [f"fedaffect.federation.algorithms.{n}" for n in registry.names("algorithm")]
    done = import_alone(*names)
    assert done.returncode == 0, done.stderr


def test_an_algorithm_that_imports_torch_at_once_is_seen(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "fedaffect")
    file = tmp_path / "fedaffect" / "federation" / "algorithms" / "fedprox.py"
    file.write_text(file.read_text("utf-8") + "\nimport torch\n", "utf-8")
    done = import_alone("fedaffect.federation.algorithms.fedprox", path=tmp_path)
    assert "loaded: ['torch']" in done.stderr


def test_every_folder_says_what_it_is() -> None:
    missing = [
        path.parent.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("__init__.py")
        if not path.read_text("utf-8").startswith('"""')
    ]
    assert missing == []


def test_no_file_tells_more_than_one_story() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for path in PACKAGE.rglob("*.py")
        if (lines := len(path.read_text("utf-8").splitlines())) > 400
    }
    assert long == {}
