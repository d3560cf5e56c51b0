from dataclasses import replace

import pytest
import torch

from fedaffect.errors import UserError
from fedaffect.models import build

TRIO = {"audio": 3, "text": 4, "visual": 2}


def model(modalities=TRIO, **settings):
    torch.manual_seed(0)
    return build("neighbours", settings, modalities=modalities, roles=2, classes=4).eval()


def test_parameters():
    assert 2 * (3 + 4 + 2) * 4 + 4 == 76
    assert sum(p.numel() for p in model().parameters()) == 76
    assert sum(p.numel() for p in model(reach=0).parameters()) == 40


@pytest.mark.parametrize("reach", [0, 1, 3])
def test_nothing_further_away_than_the_reach_is_read(make_batch, reach):
    batch, regression = make_batch([9, 9]), model(reach=reach)
    text = batch.features["text"].clone()
    text[0, 4] += 1
    after = regression(replace(batch, features={**batch.features, "text": text})).logits
    moved = (regression(batch).logits != after).any(-1)
    assert moved[0].tolist() == [abs(turn - 4) <= reach for turn in range(9)]
    assert not moved[1].any()


def test_it_is_linear_in_the_utterance_and_in_the_mean_of_its_neighbours(make_batch):
    batch, regression = make_batch([5], {"text": 4}), model({"text": 4}, reach=2)
    (x,) = batch.features["text"]
    weight, bias = regression.classify.weight, regression.classify.bias
    around = {0: [1, 2], 1: [0, 2, 3], 2: [0, 1, 3, 4], 4: [2, 3]}
    logits = regression(batch).logits[0]
    for turn, neighbours in around.items():
        expected = weight @ torch.cat([x[turn], x[neighbours].mean(0)]) + bias
        torch.testing.assert_close(logits[turn], expected)


def test_a_neighbour_without_the_modality_is_not_counted(make_batch):
    batch, regression = make_batch([3], {"text": 4}), model({"text": 4})
    (x,) = batch.features["text"]
    present = torch.tensor([[True, False, True]])
    prediction = regression(replace(batch, present={"text": present}))
    weight, bias = regression.classify.weight, regression.classify.bias
    expected = weight @ torch.cat([x[0], x[2]]) + bias
    torch.testing.assert_close(prediction.logits[0, 0], expected)


def test_an_utterance_alone_has_neighbours_of_zero(make_batch):
    batch, regression = make_batch([1], {"text": 4}), model({"text": 4})
    own = batch.features["text"][0, 0]
    expected = regression.classify.weight[:, :4] @ own + regression.classify.bias
    torch.testing.assert_close(regression(batch).logits[0, 0], expected)


@pytest.mark.parametrize(("settings", "field"), [({"reach": -1}, "reach"), ({"width": 8}, "width")])
def test_a_wrong_setting_is_named(settings, field):
    with pytest.raises(UserError, match=field):
        model(**settings)
