from dataclasses import replace

import pytest
import torch

from fedaffect.errors import UserError
from fedaffect.models import build

TRIO = {"audio": 3, "text": 4, "visual": 2}


def model(modalities=TRIO, **settings):
    torch.manual_seed(0)
    chosen = {"width": 16, **settings}
    return build("late_fusion", chosen, modalities=modalities, roles=2, classes=4).eval()


def test_parameters():
    role, hidden, classify = 3 * 16, (16 + 1) * 16, (16 + 1) * 4
    direction = 3 * (8 * (16 + 8) + 2 * 8)  # three gates of a GRU, each with two biases
    each = role + 2 * direction + hidden + classify
    project = (3 + 1 + 4 + 1 + 2 + 1) * 16
    assert 3 * each + project == 5100
    assert sum(p.numel() for p in model().parameters()) == 5100


def test_probabilities_and_embeddings_are_means_of_the_modalities_present(make_batch):
    batch = make_batch()
    lacks_text = batch.valid.clone()
    lacks_text[0, 1] = False
    prediction = model()(replace(batch, present={**batch.present, "text": lacks_text}))
    students = torch.stack([prediction.students[m].softmax(-1) for m in TRIO])
    probability = prediction.logits.exp()
    torch.testing.assert_close(probability[0, 0], students[:, 0, 0].mean(0))
    torch.testing.assert_close(probability[0, 1], students[[0, 2], 0, 1].mean(0))
    embeddings = torch.stack(list(prediction.embedding_by_modality.values()))
    torch.testing.assert_close(prediction.embedding[0, 0], embeddings[:, 0, 0].mean(0))
    torch.testing.assert_close(prediction.embedding[0, 1], embeddings[[0, 2], 0, 1].mean(0))


@pytest.mark.parametrize("modality", TRIO)
def test_an_opinion_is_of_one_modality_alone(make_batch, modality):
    batch, late = make_batch(), model()
    moved = {**batch.features, modality: batch.features[modality] + 1}
    before, after = late(batch), late(replace(batch, features=moved))
    for parts in ("students", "embedding_by_modality"):
        for m in TRIO:
            same = torch.equal(getattr(before, parts)[m], getattr(after, parts)[m])
            assert same is (m != modality)


def test_one_modality_is_early_fusion_of_it(make_batch):
    batch, only = make_batch(modalities={"text": 4}), {"text": 4}
    late = model(only)
    prediction, early = late(batch), late.student["text"](batch)
    torch.testing.assert_close(prediction.logits.softmax(-1), early.logits.softmax(-1))
    rows = batch.valid
    assert torch.equal(prediction.embedding[rows], early.embedding[rows])


@pytest.mark.parametrize(("settings", "field"), [({"width": 15}, "width"), ({"heads": 2}, "heads")])
def test_a_wrong_setting_is_named(settings, field):
    with pytest.raises(UserError, match=field):
        model(**settings)
