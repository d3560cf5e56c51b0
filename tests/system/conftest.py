"""The command line as a user meets it: processes, a tiny corpus, a tiny experiment."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

EXPERIMENT = """\
name = "tiny"
data = "corpus"
[partition]
clients = 3
[model]
width = 8
heads = 2
[training]
batch_size = 1
learning_rate = 0.01
[rounds]
count = 3
[algorithm]
name = "fedavg"
"""
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "100"}


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code (a signal's number with a minus) and what it said."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line that a user reads when something is wrong with what they gave."""
        assert (self.code, self.out) == (2, ""), (self.code, self.out, self.err)
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("error: ")
        return lines[0].removeprefix("error: ")


class Place:
    """A folder in which commands are typed; it holds `corpus`, `tiny.npz` and `tiny.toml`."""

    def __init__(self, folder: Path, warm: subprocess.Popen[str]) -> None:
        self.folder = folder
        self._warm = warm

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def __call__(
        self, *arguments: str | Path, dies_at: list[Any] | None = None, file_limit: int = 0
    ) -> Done:
        """`fedaffect ARGUMENTS`, in a fork of a warm process (see warm.py)."""
        said = [self.folder.with_name(f"{self.folder.name}.{stream}") for stream in ("out", "err")]
        order = {
            "arguments": [str(a) for a in arguments],
            "cwd": str(self.folder),
            "out": str(said[0]),
            "err": str(said[1]),
            "dies_at": dies_at,
            "file_limit": file_limit,
        }
        assert self._warm.stdin
        assert self._warm.stdout
        self._warm.stdin.write(json.dumps(order) + "\n")
        self._warm.stdin.flush()
        code = int(self._warm.stdout.readline())
        return Done(code, *(path.read_text() for path in said))

    def ok(self, *arguments: str | Path) -> str:
        """What a command that succeeds prints."""
        done = self(*arguments)
        assert done.code == 0, done.err
        return done.out

    def cold(self, *arguments: str | Path, **environment: str) -> Done:
        """The same as a fresh process, as a shell would start it."""
        done = subprocess.run(
            [sys.executable, "-m", "fedaffect.cli.main", *arguments],
            cwd=self.folder,
            env={**ENVIRONMENT, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def files(self) -> set[str]:
        """Every path below, to see that nothing was written."""
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")}


@pytest.fixture(scope="session")
def warm() -> Iterator[subprocess.Popen[str]]:
    script = Path(__file__).with_name("warm.py")
    with subprocess.Popen(
        [sys.executable, script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
        text=True,
    ) as process:
        yield process
        process.kill()


@pytest.fixture(scope="session")
def furnished(
    warm: subprocess.Popen[str],
    tmp_path_factory: pytest.TempPathFactory,
    layout: Callable[..., Any],
) -> Path:
    """A folder with the corpus imported, to be copied."""
    place = Place(tmp_path_factory.mktemp("furnished"), warm)
    (place / "tiny.toml").write_text(EXPERIMENT)
    np.savez(place / "tiny.npz", **layout())
    place.ok("data", "import", "tiny.npz", "--out", "corpus")
    return place.folder


@pytest.fixture
def place(furnished: Path, warm: subprocess.Popen[str], tmp_path: Path) -> Place:
    """A place of one's own."""
    folder = tmp_path / "place"
    shutil.copytree(furnished, folder)
    return Place(folder, warm)


@pytest.fixture(scope="session")
def finished(
    furnished: Path, warm: subprocess.Popen[str], tmp_path_factory: pytest.TempPathFactory
) -> Place:
    """A place with finished runs, to be read only: `one` (FedAvg), `many` (FedProto), `seeds` (two)."""
    folder = tmp_path_factory.mktemp("finished") / "place"
    shutil.copytree(furnished, folder)
    place = Place(folder, warm)
    place.ok("run", "tiny.toml", "--out", "runs/one")
    place.ok("run", "tiny.toml", "--set", "algorithm.name=fedproto", "--out", "runs/many")
    place.ok("run", "tiny.toml", "--set", "rounds.count=1", "--seeds", "2", "--out", "runs/seeds")
    return place


@pytest.fixture(scope="session")
def layout() -> Callable[..., dict[str, np.ndarray]]:
    """A function that gives the arrays of a tiny file of the neutral layout, some of them replaced."""
    return _layout


def _layout(**replaced: Any) -> dict[str, np.ndarray]:
    """12 dialogues of 5 turns (8 train, 2 dev, 2 test), 3 classes, two roles; audio is missing at times."""
    random = np.random.default_rng(0)
    dialogue, turn = np.repeat(np.arange(12), 5), np.tile(np.arange(5), 12)
    label = (np.arange(60) * 7) % 3
    arrays = {
        "label": label,
        "label_names": np.array(["calm", "joy", "anger"]),
        "dialogue": dialogue,
        "turn": turn,
        "role": turn % 2,
        "split": np.array(["train"] * 8 + ["dev"] * 2 + ["test"] * 2)[dialogue],
        "text": (2 * np.eye(3, 6)[label] + random.normal(size=(60, 6))).astype(np.float32),
        "audio": (np.eye(3, 4)[label] + random.normal(size=(60, 4))).astype(np.float32),
        "audio_present": np.arange(60) % 6 != 0,
    }
    return {**arrays, **replaced}


@pytest.fixture
def untouched(place: Place) -> Iterator[Callable[[], None]]:
    """Call it when all is prepared; at the end the place must hold the same files as then."""
    before: list[set[str]] = []
    yield lambda: before.append(place.files())
    assert place.files() == before[0]


@pytest.fixture(scope="session")
def match() -> Callable[[str, str], None]:
    """`match(expected, said)`: the regular expression occurs in what was said."""

    def occurs(expected: str, said: str) -> None:
        assert re.search(expected, said), f"{expected!r} not in {said!r}"

    return occurs
