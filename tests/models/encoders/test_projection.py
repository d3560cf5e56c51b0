from dataclasses import replace

import torch

from fedaffect.models.encoders.projection import Projection
from fedaffect.models.layers.packing import Packing


def test_streams_have_one_width_and_what_is_absent_is_not_read(make_batch):
    batch = make_batch((2, 1))
    absent = torch.tensor([[True, False], [True, True]])
    features = {**batch.features, "text": batch.features["text"].clone()}
    features["text"][0, 1] = torch.nan
    batch = replace(batch, features=features, present={**batch.present, "text": absent})
    project = Projection({"audio": 3, "text": 4, "visual": 2}, 5)
    stream, present = project(batch, Packing(batch.valid))
    assert list(stream) == ["audio", "text", "visual"]
    assert present.tolist() == [[True, True, True], [True, False, True], [True, True, True]]
    assert all(x.shape == (3, 5) for x in stream.values())
    assert torch.equal(stream["text"][1], project.map["text"].bias)
    stream["text"].sum().backward()
    assert project.map["text"].weight.grad.isfinite().all()
