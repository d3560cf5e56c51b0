"""What is fast must be the same function: SDT against its textbook formulation in benchmarks/."""

import importlib.util
from pathlib import Path

import pytest
import torch

from fedaffect.models import build
from fedaffect.models.base import DialogueBatch
from fedaffect.models.layers import linear

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "textbook.py"
SIZES = {"audio": 5, "text": 7}


@pytest.fixture(scope="module")
def textbook():
    spec = importlib.util.spec_from_file_location("textbook", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def batch():
    torch.manual_seed(1)
    valid = torch.arange(6) < torch.tensor([6, 1, 4])[:, None]
    return DialogueBatch(
        features={m: torch.randn(3, 6, size) for m, size in SIZES.items()},
        present=dict.fromkeys(SIZES, valid),
        role=torch.randint(0, 2, (3, 6)).masked_fill(~valid, 2),
        valid=valid,
        label=torch.zeros(3, 6, dtype=torch.int64),
        supervised=valid,
    )


@pytest.mark.parametrize("worthwhile", [1, 2**60])
def test_predictions_and_gradients_agree(monkeypatch, textbook, batch, worthwhile):
    monkeypatch.setattr(linear, "WORTHWHILE", worthwhile)
    settings = {"width": 16, "heads": 2, "dropout": 0.0}
    ours = build("sdt", settings, modalities=SIZES, roles=2, classes=3)
    chosen = textbook.TextbookSDT.Settings(**settings)
    theirs = textbook.TextbookSDT(chosen, modalities=SIZES, roles=2, classes=3)
    theirs.load_state_dict(ours.state_dict())
    one, other = ours(batch), theirs(batch)
    rows = batch.valid
    torch.testing.assert_close(one.logits[rows], other.logits[rows], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(one.modality_weights[rows], other.modality_weights[rows])
    for prediction in (one, other):
        students = sum(logits[rows].square().sum() for logits in prediction.students.values())
        (prediction.logits[rows].square().sum() + students).backward()
    named = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, named[name].grad, rtol=1e-4, atol=1e-5)
