"""bfloat16 for products: when it is chosen, and what stays float32."""

import numpy as np
import pytest
import torch
from torch import nn

from fedaffect.corpus.partition import all_in_one_client
from fedaffect.experiment import Experiment
from fedaffect.learning.learner import FitOptions
from fedaffect.learning.torch import precision
from fedaffect.learning.torch.precision import WIDE, choose
from fedaffect.learning.torch.trainer import ConversationTrainer

CPU = torch.device("cpu")


def trainer(corpus, *settings):
    base = ["model.width=16", "model.heads=2", "training.learning_rate=0.01"]
    return ConversationTrainer(corpus, Experiment().with_settings([*base, *settings]))


@pytest.mark.parametrize(
    ("width", "native", "chosen"),
    [(WIDE, True, "bfloat16"), (WIDE, False, "float32"), (WIDE - 1, True, "float32")],
)
def test_auto_wants_a_wide_model_and_units_for_it(monkeypatch, width, native, chosen):
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda device: native)
    # The width is that of what a product has on both sides: wide input features alone are not enough.
    model = nn.Sequential(nn.Linear(4 * WIDE, width), nn.Linear(width, 3))
    found = choose("auto", model, CPU)
    assert found.name == chosen
    assert str(width) in found.reason


@pytest.mark.parametrize(("native", "chosen"), [(True, "bfloat16"), (False, "float32")])
def test_convolutions_are_wide_enough(monkeypatch, native, chosen):
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda device: native)
    found = choose("auto", nn.Sequential(nn.Conv2d(1, 8, 3), nn.Linear(8, 3)), CPU)
    assert found.name == chosen
    assert found.reason.startswith("convolutions, ")


@pytest.mark.parametrize("asked", ["float32", "bfloat16"])
def test_what_is_asked_for_is_done(asked):
    assert choose(asked, nn.Linear(2, 2), CPU).name == asked


@pytest.mark.parametrize("fusion", ["gated", "attention_score"])
def test_bfloat16_changes_products_and_nothing_else(make_corpus, fusion):
    corpus = make_corpus(conversations=6, turns=5, missing=0.2)
    settings = (f"model.fusion={fusion}", "training.optimiser_state=keep")
    plain = trainer(corpus, *settings, "training.precision=float32")
    half = trainer(corpus, *settings, "training.precision=bfloat16")
    everything = np.arange(len(corpus.conversations))
    outputs = [t.predict(everything) for t in (plain, half)]
    for part in ("probability", "embedding", "modality_weights"):
        exact, near = (getattr(o, part) for o in outputs)
        assert near.dtype == np.float32
        assert not np.array_equal(exact, near)
        np.testing.assert_allclose(near, exact, atol=0.03)
    fits = [t.fit(all_in_one_client(corpus)[0], FitOptions(seed=1)) for t in (plain, half)]
    assert fits[1].loss == pytest.approx(fits[0].loss, rel=0.02)
    kept = [*half.get().values(), *fits[1].optimiser.values()]
    assert {a.dtype for a in kept} == {np.dtype(np.float32)}
