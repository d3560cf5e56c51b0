"""The model of docs/how-to/own-model.md: the code of the page, on the command line and by itself."""

import json
import re
import types
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fedaffect.models.base import DialogueBatch

PAGE = (Path(__file__).parents[2] / "docs/how-to/own-model.md").read_text()
CODE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]


@pytest.fixture
def model():
    """Its class, with fresh parameters, for two modalities, two roles and three classes."""
    module = types.ModuleType("causal")
    exec(CODE, module.__dict__)
    torch.manual_seed(0)
    settings = module.Causal.Settings(width=8)
    return module.Causal(settings, modalities={"audio": 3, "text": 4}, roles=2, classes=3).eval()


@pytest.fixture
def batch():
    """Two conversations, of four and two utterances."""
    torch.manual_seed(1)
    valid = torch.arange(4) < torch.tensor([4, 2])[:, None]
    return DialogueBatch(
        features={"audio": torch.randn(2, 4, 3), "text": torch.randn(2, 4, 4)},
        present={"audio": valid, "text": valid},
        role=torch.randint(0, 2, (2, 4)).masked_fill(~valid, 2),
        valid=valid,
        label=torch.zeros(2, 4, dtype=torch.int64),
        supervised=valid,
    )


def test_the_whole_model_is_short():
    assert len(CODE.splitlines()) <= 30


def test_it_runs_and_predicts_with_the_file_in_the_folder(place):
    (place / "causal.py").write_text(CODE)
    settings = ("model.name=causal:Causal", "model.width=8", "rounds.count=2", "engine.workers=2")
    chosen = [word for setting in settings for word in ("--set", setting)]
    place.ok("run", "tiny.toml", *chosen, "--out", "mine")
    assert json.loads((place / "mine/summary.json").read_text())["test_weighted_f1"] >= 0
    place.ok("predict", "mine", "--data", "corpus", "--out", "predictions.csv", "--allow-code")
    assert len((place / "predictions.csv").read_text().splitlines()) > 1


def test_its_settings_are_checked(place):
    (place / "causal.py").write_text(CODE)
    done = place("run", "tiny.toml", "--set", "model={name='causal:Causal', width=0}")
    assert "width" in done.complaint


@torch.no_grad()
def test_what_is_missing_and_what_comes_later_change_nothing(model, batch):
    missing = batch.valid.clone()
    missing[0, 1] = False
    batch = replace(batch, present={"audio": missing, "text": batch.valid})
    expected = model(batch)
    assert expected.logits[batch.valid].isfinite().all()
    audio, text = (batch.features[m].clone() for m in ("audio", "text"))
    audio[0, 1] = torch.nan
    text[0, 3] += 1
    found = model(replace(batch, features={"audio": audio, "text": text}))
    torch.testing.assert_close(found.logits[0, :3], expected.logits[0, :3])
    assert (found.logits[0, 3] != expected.logits[0, 3]).any()
    torch.testing.assert_close(expected.modality_weights[0, 1], torch.tensor([0.0, 1.0]))


@torch.no_grad()
def test_an_utterance_without_any_modality_has_no_embedding(model, batch):
    there = batch.valid.clone()
    there[0, 1] = False
    found = model(replace(batch, present={"audio": there, "text": there}))
    assert torch.equal(found.embedding.any(dim=-1)[batch.valid], there[batch.valid])


def test_links_of_the_page_lead_somewhere():
    folder = Path(__file__).parents[2] / "docs/how-to"
    assert all((folder / link).exists() for link in re.findall(r"\]\((\.\.[^)#]+)", PAGE))
