from dataclasses import replace

import torch

from fedaffect.learning.torch.modality_dropout import hide_modalities
from fedaffect.models.base import DialogueBatch

CONVERSATIONS = 2000


def batch_of(modalities):
    valid = torch.ones(CONVERSATIONS, 2, dtype=torch.bool)
    valid[:, 1] = False
    features = {m: torch.zeros(CONVERSATIONS, 2, 1) for m in modalities}
    whole = torch.zeros(CONVERSATIONS, 2, dtype=torch.int64)
    return DialogueBatch(features, dict.fromkeys(modalities, valid), whole, valid, whole, valid)


def hidden(batch):
    """Which conversations lack which modality, bool [conversations, modalities]."""
    torch.manual_seed(0)
    given = hide_modalities(batch, 0.4).present.values()
    return torch.stack([~rows[:, 0] for rows in given], dim=1)


def test_each_modality_is_hidden_as_often_as_asked_but_never_all():
    without = hidden(batch_of(["audio", "text"]))
    assert not without.all(dim=1).any()
    data = without.float().mean(dim=0)  # 0.4 less 0.4 x 0.4, when both would have gone
    torch.testing.assert_close(data, torch.full((2,), 0.24), atol=0.03, rtol=0)


def test_a_single_modality_stays():
    assert not hidden(batch_of(["text"])).any()


def test_what_was_absent_stays_absent():
    batch = batch_of(["audio", "text"])
    torch.manual_seed(0)
    found = hide_modalities(batch, 0.4)
    assert not any(rows[:, 1].any() for rows in found.present.values())
    assert found.valid is batch.valid


def test_who_has_one_modality_alone_keeps_it():
    batch = batch_of(["audio", "text"])
    nothing = torch.zeros_like(batch.valid)
    torch.manual_seed(0)
    found = hide_modalities(
        replace(batch, present={"audio": nothing, "text": batch.valid}), 0.9
    ).present
    assert torch.equal(found["text"], batch.valid)
    assert not found["audio"].any()
