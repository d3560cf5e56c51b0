import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


def module(file: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(file.stem, file)
    assert specification
    assert specification.loader
    loaded = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="session")
def made() -> ModuleType:
    """The module `made.py` beside this file."""
    return module(Path(__file__).with_name("made.py"))


@pytest.fixture(scope="session")
def pickles() -> ModuleType:
    """The module `tests/corpus/pickles.py`."""
    return module(Path(__file__).parents[2] / "corpus" / "pickles.py")


@pytest.fixture(scope="session")
def raw_signals() -> Mapping[str, np.ndarray]:
    """Real recordings, which never come with the project."""
    beside = Path(__file__).parents[3] / ".." / "shared" / "data"
    file = Path(os.environ.get("FEDAFFECT_DATA", beside)) / "raw_signal_samples.npz"
    if not file.is_file():
        pytest.skip("no raw signals here: set FEDAFFECT_DATA or put them at ../shared/data")
    with np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
