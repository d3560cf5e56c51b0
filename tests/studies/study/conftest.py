"""A tiny table on disk, and finished runs of it made by hand: no training."""

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
from fedaffect.studies.study.entries import Entry, ModelTable
from fedaffect.studies.study.plan import load

TEXT = """\
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


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """`write(old, new, ...)` writes the file, some of its text replaced."""

    def made(*replaced: str) -> Path:
        text = TEXT
        for old, new in zip(replaced[::2], replaced[1::2], strict=True):
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "models.toml"
        path.write_text(text)
        return path

    return made


@pytest.fixture
def table(write: Callable[..., Path], tmp_path: Path) -> ModelTable:
    return load(write(), tmp_path / "out")


@pytest.fixture
def talk(table: ModelTable) -> tuple[Entry, ...]:
    """The rows on the first corpus: one as it is, one with candidates, one of models of their own."""
    return table.entries["talk"]


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


def write_run(job: Job, confusion: Any, dev: float, further: dict[str, Any]) -> None:
    """The summary and the events of a run, as far as a table reads them."""
    job.folder.mkdir(parents=True)
    total, mode = confusion.sum(axis=0), further.get("evaluation", "global")
    found, (recall, f1) = asdict(scores(total)), recall_and_f1(total)
    by_class = {"recall": recall.tolist(), "f1": further.pop("f1", f1.tolist())}
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
        confusion_by_conversation=confusion.tolist() if mode == "global" else None,
    )
    log.close()
