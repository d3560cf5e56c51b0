"""Pages show only commands of benchmarks and studies that exist, and link only to what is there."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("benchmarks", "research", "docs")
PAGES = sorted(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
STUDIES = sorted({path.parent for path in ROOT.glob("research/*/*.py")})
MODULE = re.compile(r"python -m (research[\w.]+)")
SCRIPT = re.compile(r"(?<!tests/)\b(benchmarks/\w+\.py)\b")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")


@pytest.mark.parametrize("name", sorted(set(MODULE.findall(TEXT))))
def test_a_study_can_be_run(name: str) -> None:
    assert callable(importlib.import_module(name).main)


@pytest.mark.parametrize("path", sorted(set(SCRIPT.findall(TEXT))))
def test_a_benchmark_is_there(path: str) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("folder", STUDIES, ids=lambda folder: folder.name)
def test_a_study_says_its_question_command_results_and_time(folder: Path) -> None:
    text = (folder / "README.md").read_text(encoding="utf-8")
    command = f"python -m research.{folder.name}."
    assert [
        p for p in ("**Question.**", command, "**Results.**", "**Time.**") if p not in text
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = []
    for path, anchor in LINK.findall(prose):
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(f"{path}#{anchor}")
    assert broken == []


def anchors(page: Path) -> set[str]:
    """Of a page's headings, as they are made on the web: lower case, no punctuation, spaces as hyphens."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}
