"""Every ablation and every table that is kept here asks for experiments that there are."""

from pathlib import Path

import pytest

from fedaffect.studies.ablation import plan as ablations
from fedaffect.studies.study import plan as tables

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("path", sorted(ROOT.glob("ablations/*.toml")), ids=lambda p: p.stem)
def test_an_ablation_resolves(path: Path, tmp_path: Path) -> None:
    assert ablations.load(path, tmp_path).name == path.stem


@pytest.mark.parametrize("path", sorted(ROOT.glob("tables/*.toml")), ids=lambda p: p.stem)
def test_a_table_resolves(path: Path, tmp_path: Path) -> None:
    assert tables.load(path, tmp_path).name == path.stem
