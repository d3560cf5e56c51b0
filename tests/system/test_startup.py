"""Looking, asking and complaining need neither torch nor a drawing library, so they are quick."""

import subprocess
import sys

import pytest

REFUSE = """\
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {heavy!r}:
            raise {error}

sys.meta_path.insert(0, Refuse())
"""
HEAVY = ("torch", "matplotlib", "sklearn", "jinja2")


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    """A PYTHONPATH on which importing anything heavy breaks the process."""
    folder = tmp_path_factory.mktemp("without")
    error = 'AssertionError(f"{name} was imported")'
    (folder / "sitecustomize.py").write_text(REFUSE.format(heavy=HEAVY, error=error))
    return str(folder)


@pytest.fixture(scope="module")
def uninstalled(tmp_path_factory):
    """A PYTHONPATH on which the `train` extra seems not to be installed."""
    folder = tmp_path_factory.mktemp("uninstalled")
    error = 'ModuleNotFoundError(f"No module named {name}", name=name)'
    (folder / "sitecustomize.py").write_text(REFUSE.format(heavy=HEAVY, error=error))
    return str(folder)


def test_the_refusal_works(finished, without):
    done = finished.cold("predict", "runs/one", "--data", "corpus", PYTHONPATH=without)
    assert done.code == 1
    assert "torch was imported" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["run", "--help"],
        ["runs"],
        ["runs", "--json"],
        ["show", "runs/many"],
        ["show", "runs/seeds", "--json"],
        ["compare", "runs/one", "runs/many"],
        ["table", "--help"],
        ["data", "describe", "corpus"],
        ["data", "check", "tiny.npz", "--json"],
        ["data", "import", "tiny.npz", "--out", "imported"],
    ],
    ids=" ".join,
)
def test_nothing_heavy_is_imported(arguments, finished, without):
    done = finished.cold(*arguments, PYTHONPATH=without)
    assert (done.code, done.err) == (0, "")
    assert done.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "nope"],
        ["run", "tiny.toml", "--set", "rounds.count=0"],
        ["show", "corpus"],
        ["data", "import", "tiny.toml", "--out", "imported"],
        ["data", "describe", "runs"],
    ],
    ids=" ".join,
)
def test_nothing_heavy_is_imported_to_complain(arguments, finished, without):
    assert finished.cold(*arguments, PYTHONPATH=without).complaint


def test_a_missing_extra_is_named(finished, uninstalled):
    said = finished.cold("run", "tiny.toml", "--out", "new", PYTHONPATH=uninstalled).complaint
    assert "pip install 'fedaffect[train]'" in said
    assert not (finished / "new").exists()


def test_python_m_fedaffect(tmp_path):
    command = [sys.executable, "-m", "fedaffect", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert "demo" in done.stdout


@pytest.mark.parametrize("arguments", [["run"], ["run", "demo", "--seeds", "0"], ["walk"]])
def test_a_mistyped_command_is_explained(arguments, place):
    done = place(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Usage: " in done.err
    assert "Traceback" not in done.err
