"""After round 1 the paper's two additions reach what they are meant to train, in a real SDT."""

from dataclasses import replace

import pytest
import torch

PAIRS = [f"{a}->{b}" for a in ("audio", "text") for b in ("audio", "text")]


class Probe:
    """A learner that notes the gradients of the algorithm's own term in the first batch it is used."""

    def __init__(self, learner):
        self._learner, self.regulariser, self.whole = learner, {}, {}

    def __getattr__(self, name):
        return getattr(self._learner, name)

    def fit(self, data, options):
        module = self._learner._model

        def noted(*batch):
            value = options.extra_loss(*batch)
            if not self.regulariser:
                names, parameters = zip(*module.named_parameters(), strict=True)
                found = torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True)
                self.regulariser = dict(zip(names, found, strict=True))
            return value

        fit = self._learner.fit(
            data, replace(options, extra_loss=noted if options.extra_loss else None)
        )
        if options.extra_loss:
            self.whole = {n: p.grad.clone() for n, p in module.named_parameters()}
        return fit


@pytest.fixture
def probe(tiny, simulate):
    def run(exchange):
        probes = []

        def wrap(learner):
            probes.append(Probe(learner))
            return probes[0]

        simulate(
            tiny(
                "fedmpd",
                f"algorithm.exchange={exchange}",
                "model.fusion=attention_score",
                "rounds.count=2",
            ),
            wrap=wrap,
        )
        return probes[0]

    return run


def size(gradients, name):
    return max(g.abs().max().item() for n, g in gradients.items() if name in n and g is not None)


@pytest.mark.parametrize("exchange", ["prototypes", "both"])
def test_the_regulariser_reaches_every_encoder(probe, exchange):
    found = probe(exchange).regulariser
    for pair in PAIRS:
        assert size(found, f"encoder.{pair}") > 1e-6
    assert size(found, "fusion.raw_beta") > 0
    # It speaks of embeddings, not of heads.
    assert not [n for n, g in found.items() if g is not None and n.startswith("student.")]
    assert not [n for n, g in found.items() if g is not None and n.startswith("classify.")]


@pytest.mark.parametrize("exchange", ["prototypes", "both"])
def test_every_modalitys_beta_learns(probe, exchange):
    gradient = probe(exchange).whole["fusion.raw_beta"]
    assert (gradient.abs() > 1e-8).all()


def test_by_weights_alone_nothing_is_regularised(probe):
    assert probe("weights").regulariser == {}
