"""Every command of a benchmark or a study that a page shows is there, and every link of their READMEs."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READMES = sorted([*ROOT.glob("benchmarks/README.md"), *ROOT.glob("research/**/README.md")])
PAGES = [*READMES, *ROOT.glob("docs/*.md"), *ROOT.glob("docs/results/*.md")]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
STUDIES = sorted(folder for folder in ROOT.glob("research/*/") if any(folder.glob("*.py")))


@pytest.mark.parametrize("name", sorted(set(re.findall(r"python -m (research[\w.]+)", TEXT))))
def test_a_study_can_be_run(name: str) -> None:
    assert callable(importlib.import_module(name).main)


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"(?<!tests/)\b(benchmarks/\w+\.py)\b", TEXT)))
)
def test_a_benchmark_is_there(path: str) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("folder", STUDIES, ids=lambda folder: folder.name)
def test_a_study_says_its_question_command_results_and_time(folder: Path) -> None:
    text = (folder / "README.md").read_text(encoding="utf-8")
    for part in (
        "**Question.**",
        f"python -m research.{folder.name}.",
        "**Results.**",
        "**Time.**",
    ):
        assert part in text


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.parent.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link
