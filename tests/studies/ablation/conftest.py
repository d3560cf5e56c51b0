"""A tiny ablation on disk, and finished runs of it made by hand: no training."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fedaffect.studies.ablation.plan import Ablation, load

TEXT = """\
name = "parts"
title = "What parts are worth"
base = "demo"
seeds = 3
settings = ["model.width=8", "rounds.count=1"]
[rows]
"all" = []
"no | roles" = ["model.roles=false"]
"alone" = ["model.encoders=intra"]
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """`write(old, new, ...)` writes the file, some of its text replaced."""

    def made(*replaced: str, name: str = "parts.toml") -> Path:
        text = TEXT
        for old, new in zip(replaced[::2], replaced[1::2], strict=True):
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / name
        path.write_text(text)
        return path

    return made


@pytest.fixture
def ablation(write: Callable[..., Path], tmp_path: Path) -> Ablation:
    return load(write(), tmp_path / "out")


@pytest.fixture
def finish(ablation: Ablation) -> Callable[..., None]:
    """`finish(row, scores, ...)`: the first seeds of a row have finished, with these scores."""

    def done(row: int, scores: list[float], **further: Any) -> None:
        for job, score in zip(ablation.jobs(ablation.variants[row]), scores, strict=False):
            job.folder.mkdir(parents=True)
            summary = {
                **{"finished": True, "seed": job.experiment.seed, "clients": 20},
                **{"evaluation": "global", "corpus": "talk", "timing": {"seconds": 75.0}},
                **{"test_weighted_f1": score, "test_macro_f1": score - 0.02, "test_uar": 0.5},
                **{"personal_test_weighted_f1": 0.7, "stability_sd_last_5": 0.012},
            }
            (job.folder / "summary.json").write_text(json.dumps(summary | further))

    return done
