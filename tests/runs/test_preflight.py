import json
from pathlib import Path

import pytest

from fedaffect.errors import UserError
from fedaffect.runs.cache import Variant
from fedaffect.runs.pool import Job
from fedaffect.runs.preflight import ensure_same_corpus, rehearse


def jobs(out: Path, *settings: str) -> list[Job]:
    return Variant.of("alone", "demo", ["model.width=8", *settings], out).jobs(1)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ('features.modalities=["odour"]', "alone seed 0: .*no modality `odour`; it has: "),
        ('model.modality_order=["odour"]', "alone seed 0: model: modality_order: "),
        ("device=cuda:99", "alone seed 0: .*cuda"),
    ],
)
def test_what_a_corpus_or_a_model_refuses_is_told_before_anything_begins(
    setting: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        rehearse([*jobs(tmp_path / "out"), *jobs(tmp_path / "out", setting)])
    assert not (tmp_path / "out").exists()


def test_sound_runs_leave_nothing_behind(tmp_path: Path) -> None:
    rehearse(jobs(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def environment_of(job: Job, text: str) -> None:
    job.folder.mkdir(parents=True)
    (job.folder / "environment.json").write_text(text)


def test_runs_on_another_corpus_are_not_taken_for_these(tmp_path: Path) -> None:
    (job,) = jobs(tmp_path)
    ensure_same_corpus([job])
    environment_of(job, json.dumps({"corpus_sha256": "ab" * 32}))
    with pytest.raises(UserError, match="seed-0: was run on another corpus than synthetic is now"):
        ensure_same_corpus([job])


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_damaged_environment_names_file_and_cure(text: str, tmp_path: Path) -> None:
    (job,) = jobs(tmp_path)
    environment_of(job, text)
    with pytest.raises(UserError, match=r"environment\.json: .*; delete .*seed-0 to run it again"):
        ensure_same_corpus([job])
