"""Names of one's own, of installed packages and of ours, found in one way."""

import sys

import pytest

from fedaffect import registry
from fedaffect.errors import UserError
from fedaffect.report.settings_reference import every_setting

SCHEME = """
import numpy as np
from fedaffect.corpus.partition.base import Scheme, whole_conversations
from fedaffect.experiment import Section

class Halves(Scheme):
    class Settings(Section):
        first: str = "left"
    takes_number = False

    def share_out(self, corpus, partition, random):
        rows = corpus.conversations_in("train")
        pairs = zip((self.settings.first, "right"), np.array_split(rows, 2))
        return [whole_conversations(corpus, name, half) for name, half in pairs]
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A current folder with a scheme of one's own, and what it takes to forget it."""
    (tmp_path / "my_scheme.py").write_text(SCHEME)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    sys.modules.pop("my_scheme", None)


@pytest.fixture
def installed(here, monkeypatch):
    """The same as an installed package would offer it."""
    metadata = here / "my_scheme-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-scheme\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[fedaffect.partition]\nhalves = my_scheme:Halves\n")
    monkeypatch.syspath_prepend(here)


def test_a_class_of_ones_own_in_the_current_folder(here):
    assert registry.find("partition", "my_scheme:Halves").__name__ == "Halves"


def test_a_plain_name_does_not_look_into_the_current_folder(here):
    registry.find("partition", "iid")
    assert str(here) not in sys.path


def test_an_entry_point_is_a_name_like_any_other(installed):
    assert "halves" in registry.names("partition")
    assert registry.find("partition", "halves").__name__ == "Halves"
    settings = every_setting()
    (name,) = (s for s in settings["partition"] if s.name == "partition.name")
    assert "halves" in name.allowed.split(" | ")
    assert [s.name for s in settings["partition halves"]] == ["partition.first"]


@pytest.mark.parametrize("kind", ["model", "algorithm", "partition", "engine", "reader"])
def test_names_of_each_kind_are_listed_among_the_settings(kind):
    listed = {s.name: s.allowed for settings in every_setting().values() for s in settings}
    setting = registry.KINDS[kind].setting
    assert listed[setting] == " | ".join([*registry.names(kind), "module:Class"])


def test_the_nearest_name_is_offered():
    with pytest.raises(
        UserError, match=r"partition.name: no partition `idd`; did you mean `iid`\?"
    ):
        registry.find("partition", "idd")


@pytest.mark.parametrize("name", ["base", "_workers", "../iid", "", "iid.py"])
def test_helpers_and_paths_are_no_names(name):
    for kind in registry.KINDS:
        with pytest.raises(UserError, match=r"no .*Known: "):
            registry.find(kind, name)


@pytest.mark.parametrize("kind", ["model", "algorithm", "partition", "engine"])
def test_every_name_is_one_class(kind):
    for name in registry.names(kind):
        assert isinstance(registry.find(kind, name), type)


def test_a_class_of_another_kind_is_refused():
    with pytest.raises(UserError, match="names no single partition"):
        registry.find("partition", "fedaffect.experiment:Experiment")
