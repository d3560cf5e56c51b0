import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def pickles() -> ModuleType:
    """The module `pickles.py` beside this file."""
    specification = importlib.util.spec_from_file_location(
        "pickles", Path(__file__).with_name("pickles.py")
    )
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real corpora, which never comes with the project."""
    beside = Path(__file__).parents[2] / ".." / "shared" / "data"
    folder = Path(os.environ.get("FEDAFFECT_DATA", beside))
    if not folder.is_dir():
        pytest.skip("no real corpora here: set FEDAFFECT_DATA or put them at ../shared/data")
    return folder
