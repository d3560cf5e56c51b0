import os
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def pickles() -> ModuleType:
    """The module `tests/corpus/pickles.py`."""
    return import_module("corpus.pickles")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real corpora, which never comes with the project."""
    beside = Path(__file__).parents[2] / ".." / "shared" / "data"
    folder = Path(os.environ.get("FEDAFFECT_DATA", beside))
    if not folder.is_dir():
        pytest.skip("no real corpora here: set FEDAFFECT_DATA or put them at ../shared/data")
    return folder
