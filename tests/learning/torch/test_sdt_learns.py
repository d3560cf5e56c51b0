"""SDT learns what it is meant to use: one modality, two together, the utterance before."""

import pytest
import torch

from fedaffect.experiment import Training
from fedaffect.learning.torch.objectives import sdt_objective
from fedaffect.models import build
from fedaffect.models.base import DialogueBatch

CLASSES, LENGTH, WIDTHS = 4, 6, {"audio": 6, "text": 6}
# Where to look takes longer to learn than what to look at.
STEPS = {"text": 20, "audio": 20, "both": 20, "before": 70}


def conversations(rule, count, seed):
    """Text and audio each carry a noisy code of 0..3; the label follows from them by `rule`.

    `text`, `audio`: that code. `both`: the high bit of the text's and the low bit of the audio's.
    `before`: the text's code of the utterance before, which the first one has none of.
    """
    random = torch.Generator().manual_seed(seed)
    code = {m: torch.randint(CLASSES, (count, LENGTH), generator=random) for m in WIDTHS}
    centres = torch.eye(CLASSES, 6) * 2
    features = {
        m: centres[code[m]] + 0.3 * torch.randn(count, LENGTH, 6, generator=random) for m in WIDTHS
    }
    label = {
        "text": code["text"],
        "audio": code["audio"],
        "both": code["text"] // 2 * 2 + code["audio"] % 2,
        "before": code["text"].roll(1, dims=1),
    }[rule]
    valid = torch.ones(count, LENGTH, dtype=torch.bool)
    supervised = valid.clone()
    supervised[:, 0] = rule != "before"
    role = torch.arange(LENGTH).expand(count, LENGTH) % 2
    return DialogueBatch(features, dict.fromkeys(WIDTHS, valid), role, valid, label, supervised)


def without(batch, modality):
    absent = torch.zeros_like(batch.valid)
    return DialogueBatch(
        batch.features,
        {**batch.present, modality: absent},
        batch.role,
        batch.valid,
        batch.label,
        batch.supervised,
    )


def alone(batch):
    """Every utterance as a conversation of its own."""

    def split(tensor):
        return tensor.flatten(0, 1).unsqueeze(1)

    return DialogueBatch(
        {m: split(x) for m, x in batch.features.items()},
        {m: split(x) for m, x in batch.present.items()},
        split(batch.role),
        split(batch.valid),
        split(batch.label),
        split(batch.supervised),
    )


def accuracy(rule, fusion="gated", change=lambda batch: batch):
    """Accuracy on fresh conversations after a short training on a few."""
    torch.manual_seed(0)
    settings = {"width": 64, "heads": 4, "dropout": 0.1, "fusion": fusion}
    sdt = build("sdt", settings, modalities=WIDTHS, roles=2, classes=CLASSES)
    optimiser = torch.optim.Adam(sdt.parameters(), 3e-3)
    batch = change(conversations(rule, 64, seed=1))
    for _ in range(STEPS[rule]):
        optimiser.zero_grad()
        sdt_objective(sdt(batch), batch, Training())[0].backward()
        optimiser.step()
    fresh = change(conversations(rule, 64, seed=2))
    with torch.no_grad():
        estimated = sdt.eval()(fresh).logits.argmax(-1)
    return (estimated == fresh.label)[fresh.supervised].float().mean().item()


@pytest.mark.parametrize("fusion", ["gated", "attention_score"])
@pytest.mark.parametrize("rule", ["text", "audio", "both", "before"])
def test_learns(rule, fusion):
    assert accuracy(rule, fusion) > 0.9


@pytest.mark.parametrize("rule", ["text", "audio"])
def test_one_modality_is_needed(rule):
    assert accuracy(rule, change=lambda batch: without(batch, rule)) < 0.4


@pytest.mark.parametrize("modality", WIDTHS)
def test_both_modalities_are_needed(modality):
    assert accuracy("both", change=lambda batch: without(batch, modality)) < 0.65


def test_context_is_needed():
    assert accuracy("before", change=alone) < 0.4
