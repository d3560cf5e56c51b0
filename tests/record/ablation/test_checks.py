import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fedaffect.errors import UserError
from fedaffect.record.ablation.checks import ensure_same_corpus, rehearse
from fedaffect.record.ablation.plan import Ablation, load, unfinished

Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ('features.modalities=["odour"]', "alone seed 0: .*no modality `odour`; it has: "),
        ('model.modality_order=["odour"]', "alone seed 0: model: modality_order: "),
        ("device=cuda:99", "alone seed 0: .*cuda"),
    ],
)
def test_what_a_corpus_or_a_model_refuses_is_told_before_anything_begins(
    setting: str, said: str, write: Write, tmp_path: Path
) -> None:
    path = write('["model.encoders=intra"]', f"['{setting}']")
    with pytest.raises(UserError, match=said):
        rehearse(unfinished([load(path, tmp_path / "out")]))
    assert not (tmp_path / "out").exists()


def test_a_sound_ablation_leaves_nothing_behind(ablation: Ablation, tmp_path: Path) -> None:
    rehearse(unfinished([ablation]))
    assert not (tmp_path / "out").exists()


def test_runs_on_another_corpus_are_not_taken_for_these(
    ablation: Ablation, finish: Callable[..., None]
) -> None:
    finish(1, [0.5])
    ensure_same_corpus([ablation])
    folder = ablation.jobs(ablation.variants[1])[0].folder
    (folder / "environment.json").write_text(json.dumps({"corpus_sha256": "ab" * 32}))
    with pytest.raises(UserError, match="seed-0: was run on another corpus than synthetic is now"):
        ensure_same_corpus([ablation])


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_damaged_environment_names_file_and_cure(
    text: str, ablation: Ablation, finish: Callable[..., None]
) -> None:
    finish(1, [0.5])
    folder = ablation.jobs(ablation.variants[1])[0].folder
    (folder / "environment.json").write_text(text)
    with pytest.raises(UserError, match=r"environment\.json: .*; delete .*seed-0 to run it again"):
        ensure_same_corpus([ablation])
