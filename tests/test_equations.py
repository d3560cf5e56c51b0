"""docs/equations.md names code, tests and settings: all of them must be there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter

from fedaffect.experiment import Experiment
from fedaffect.federation.algorithms.fedmpd import FedMPD
from fedaffect.models.sdt import SDT

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "equations.md").read_text(encoding="utf-8")
LABELS = ["Printed", "Trouble", "Built", "Code", "Switch", "Test"]
OPEN = {"algorithm": FedMPD.Settings, "model": SDT.Settings}

SECTIONS = re.split(
    r"^### ", PAGE.partition("\n## Not defined in the paper")[0], flags=re.MULTILINE
)[1:]
SYMBOLS = sorted(set(re.findall(r"`([\w/.-]+\.py):([\w.]+)`", PAGE)))
SETTINGS = sorted(set(re.findall(r"`([a-z]+)\.([a-z_0-9]+)=([^`]+)`(\s\(default\))?", PAGE)))


def names_in(tree: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[str]:
    """What a module or class defines, the members of its classes as `Class.member`."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield prefix + node.name
        if isinstance(node, ast.ClassDef):
            yield from names_in(node, f"{prefix}{node.name}.")


def field_of(section: str, name: str) -> Any:
    schema = OPEN.get(section) or Experiment.model_fields[section].annotation
    return schema.model_fields[name]


def given(section: str, name: str, text: str) -> Any:
    """The value as the command line reads it."""
    experiment = Experiment.load("demo", [f"{section}.{name}={text}"])
    found = getattr(experiment, section)
    return found.settings[name] if section in OPEN else getattr(found, name)


@pytest.mark.parametrize(("path", "symbol"), SYMBOLS, ids=":".join)
def test_what_the_page_names_is_there(path: str, symbol: str) -> None:
    assert path.startswith(("src/fedaffect/", "tests/"))
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert symbol in set(names_in(tree))


@pytest.mark.parametrize(("section", "name", "text", "default"), SETTINGS)
def test_every_setting_is_one_and_takes_the_value(
    section: str, name: str, text: str, default: str
) -> None:
    field = field_of(section, name)
    # The field alone: that two settings need each other is tested where they are defined.
    value = TypeAdapter(Annotated[field.annotation, field]).validate_python(
        given(section, name, text)
    )
    if default:
        assert value == field.get_default(call_default_factory=True)


def test_every_equation_and_step_has_its_place() -> None:
    assert [s.partition(":")[0] for s in SECTIONS] == [
        *(f"Eq. {n}" for n in range(1, 11)),
        *(f"Step {n}" for n in range(1, 13)),
    ]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: s.partition(":")[0])
def test_every_place_says_the_same_six_things(section: str) -> None:
    assert re.findall(r"^- \*\*(\w+)\*\*\s", section, flags=re.MULTILINE) == LABELS
    parts = dict(
        re.findall(r"^- \*\*(\w+)\*\*\s(.*?)(?=^- |\Z)", section, re.DOTALL | re.MULTILINE)
    )
    assert "`src/" in parts["Code"]
    assert "`tests/" in parts["Test"]


def test_every_setting_of_the_algorithm_is_on_the_page() -> None:
    """A switch that the page does not explain is one that nobody can check."""
    named = {name for section, name, *_ in SETTINGS if section == "algorithm"}
    assert named == set(FedMPD.Settings.model_fields)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", PAGE))))
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).is_file()
