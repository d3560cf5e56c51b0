"""A tiny study of either form on disk, and finished runs of it made by hand: no training."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedaffect.federation.events import EventLog
from fedaffect.learning.metrics import recall_and_f1, scores
from fedaffect.runs.pool import Job
from fedaffect.studies.study.entries import Entry, Study
from fedaffect.studies.study.plan import load

ABLATION = """\
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
TABLE = """\
name = "models"
title = "Tiny models"
base = "demo"
seeds = 2
settings = ["model.width=8", "rounds.count=1", "algorithm.name=centralised"]
pairs = [["calm", "joy"], ["calm", "fury"]]
[corpora]
talk = []
text = ['features.modalities=["text"]', 'model.modality_order=["text"]']
[rows.plain]
[rows."tuned & more"]
seeds = 3
settings = ["model.roles=false"]
[rows."tuned & more".candidates]
"slow" = ["training.learning_rate=1e-3"]
"fast" = ["training.learning_rate=1e-2"]
[rows.alone]
settings = ["algorithm.name=local"]
"""
CLASSES = ["calm", "joy"]
Confusions = Sequence[Any]
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """`write(old, new, ...)` writes the file of a table, some of its text replaced."""
    return lambda *replaced: _written(TABLE, tmp_path / "models.toml", *replaced)


@pytest.fixture
def write_ablation(tmp_path: Path) -> Write:
    """The same of an ablation."""

    def written(*replaced: str, name: str = "parts.toml") -> Path:
        return _written(ABLATION, tmp_path / name, *replaced)

    return written


def _written(text: str, path: Path, *replaced: str) -> Path:
    for old, new in zip(replaced[::2], replaced[1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return path


@pytest.fixture
def table(write: Write, tmp_path: Path) -> Study:
    return load(write(), tmp_path / "out")


@pytest.fixture
def talk(table: Study) -> tuple[Entry, ...]:
    """The rows on the first corpus: one as it is, one with candidates, one of models of their own."""
    return table.entries["talk"]


@pytest.fixture
def ablation(write_ablation: Write, tmp_path: Path) -> Study:
    return load(write_ablation(), tmp_path / "out")


@pytest.fixture
def finish() -> Callable[..., None]:
    """`finish(entry, confusions, ...)`: the first seeds of a candidate have finished, with these."""

    def done(
        entry: Entry,
        confusions: Confusions,
        candidate: str = "",
        dev: float = 0.5,
        **further: Any,
    ) -> None:
        jobs = entry.candidates[candidate].jobs(len(confusions))
        for job, confusion in zip(jobs, confusions, strict=True):
            write_run(job, np.array(confusion), dev, dict(further))

    return done


@pytest.fixture
def score(ablation: Study) -> Callable[..., None]:
    """`score(row, scores, ...)`: the first seeds of a row have finished, with these."""

    def done(row: int, figures: list[float], **further: Any) -> None:
        jobs = ablation.entries[""][row].candidates[""].jobs(len(figures))
        for job, figure in zip(jobs, figures, strict=True):
            right = round(1000 * figure)  # of each class: F1 of both, and their mean, is that share
            confusion = np.array([[[right, 1000 - right], [1000 - right, right]]])
            usual = {
                **{"clients": 20, "corpus": "talk", "conversations": False},
                **{"test_macro_f1": figure - 0.02, "test_uar": 0.5},
                **{"personal_test_weighted_f1": 0.7, "stability_sd_last_5": 0.012},
            }
            write_run(job, confusion, 0.5, usual | further)

    return done


def write_run(job: Job, confusion: Any, dev: float, further: dict[str, Any]) -> None:
    """The summary and the events of a run, as far as a study reads them."""
    job.folder.mkdir(parents=True)
    total, mode = confusion.sum(axis=0), further.get("evaluation", "global")
    found, (recall, f1) = asdict(scores(total)), recall_and_f1(total)
    by_class = {"recall": recall.tolist(), "f1": further.pop("f1", f1.tolist())}
    recorded = further.pop("conversations", mode == "global") and mode == "global"
    summary = {
        **{"finished": True, "seed": job.experiment.seed, "evaluation": mode, "parameters": 7315},
        **{f"test_{name}": score for name, score in found.items()},
        **{"test_calibration_error": 0.05, "dev_weighted_f1": dev, "timing": {"seconds": 75.0}},
    }
    (job.folder / "summary.json").write_text(json.dumps(summary | further))
    log = EventLog(job.folder / "events.jsonl")
    log.append("run_started", evaluations=[mode], corpus={"classes": CLASSES})
    log.append(
        "run_finished",
        test={mode: found | by_class},
        confusion=total.tolist(),
        confusion_by_conversation=confusion.tolist() if recorded else None,
    )
    log.close()
