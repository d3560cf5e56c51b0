"""Every study that is kept here asks for experiments that there are."""

from pathlib import Path

import pytest

from fedaffect.studies.study import Reference, plan

ROOT = Path(__file__).parents[1]
FORMS = {"ablations": Reference.FIRST, "tables": Reference.BEST}
FILES = sorted(path for form in FORMS for path in ROOT.glob(f"{form}/*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_study_resolves(path: Path, tmp_path: Path) -> None:
    study = plan.load(path, tmp_path)
    assert (study.name, study.reference) == (path.stem, FORMS[path.parent.name])
