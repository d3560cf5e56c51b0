"""FedTGP-style: its loss and margin by hand, and what a server makes of clients' prototypes."""

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest
import torch

from fedaffect.errors import UserError
from fedaffect.federation.algorithms import fedtgp_style as module
from fedaffect.federation.algorithms.fedproto import FedProto
from fedaffect.federation.algorithms.fedtgp_style import (
    FedTGPStyle,
    adaptive_contrast,
    largest_distance,
)
from fedaffect.federation.messages.update import Update
from fedaffect.inference.prototypes import nearest_other

from .test_fedavg import bits


def prototypes(state):
    return {n: a for n, a in state.items() if n.startswith("prototype/")}


def points(state):
    return {int(n.rsplit("/", 1)[1]): a for n, a in prototypes(state).items()}


@pytest.fixture
def crowd(seat):
    """Three classes, two clients each, whose means stand 1 apart on a line."""
    return seat(
        [(0, (0.2, 0.1)), (1, (1.2, 0.1))],
        [(0, (-0.2, -0.1)), (2, (2.2, 0.1))],
        [(1, (0.8, -0.1)), (2, (1.8, -0.1))],
    )


def test_the_loss_by_hand():
    """A prototype 3 from its own and 4 from the other, one 0 and 5; δ = 2 makes the own ones 5 and 2."""
    given, own = torch.tensor([[3.0, 0.0], [3.0, 4.0]]), torch.tensor([0, 1])
    centres = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    loss = adaptive_contrast(given, own, centres, margin=2.0)
    first = -log(exp(-5) / (exp(-5) + exp(-4)))
    second = -log(exp(-2) / (exp(-2) + exp(-5)))
    assert float(loss) == pytest.approx((first + second) / 2)


def test_a_prototype_that_is_met_has_a_gradient():
    """A distance of 0 has none of its own; the others still push."""
    centres = torch.tensor([[1.0, 1.0], [2.0, 1.0]], requires_grad=True)
    adaptive_contrast(torch.ones(1, 2), torch.tensor([0]), centres, 1.0).backward()
    assert centres.grad.isfinite().all()
    assert centres.grad[1, 0] < 0  # further away, against the gradient


def test_the_margin_is_the_largest_distance():
    found = largest_distance({0: np.array([0, 0]), 1: np.array([3, 4]), 2: np.array([3, 0])})
    assert found == 5


def test_clients_do_as_with_fedproto(crowd):
    """But that each counts once, whatever it holds."""
    known = {"prototype/fused/0": np.ones(2, np.float32)}
    for client in crowd.clients:
        own, _ = FedTGPStyle({}).client_round(known, client, {})
        other, _ = FedProto({"weighting": "uniform"}).client_round(known, client, {})
        assert bits(own.tensors) == bits(other.tensors)
        assert own.weights == other.weights
    assert FedTGPStyle({}).declared_updates(crowd.context) == FedProto({}).declared_updates(
        crowd.context
    )


def test_learnt_prototypes_lie_further_apart_than_means(crowd):
    """Ten clients, each with two of three classes; what they sent stays nearest to its own class."""
    random, context = np.random.default_rng(0), replace(crowd.context, embedding_dim=16)
    centre = random.normal(size=(3, 16))
    updates = [
        Update({f"prototype/fused/{k}": np.float32(centre[k] + 0.5 * random.normal(size=16))})
        for _ in range(10)
        for k in random.choice(3, 2, replace=False)
    ]

    def apart(algorithm):
        aggregate = algorithm.aggregator.reduce(updates)
        state = algorithm.server_round({}, aggregate, context)
        return points(state), min(nearest_other(points(state)).values())

    _, of_means = apart(FedProto({}))
    learnt, of_learnt = apart(FedTGPStyle({}))
    assert of_learnt > 2 * of_means
    for k, sent in [found for update in updates for found in points(update.tensors).items()]:
        distance = {c: float(np.linalg.norm(sent - p)) for c, p in learnt.items()}
        assert min(distance, key=distance.get) == k


@pytest.mark.parametrize(("bound", "margin"), [(100.0, 2.0), (0.5, 0.5)])
def test_the_margin_is_that_of_the_means_up_to_its_bound(crowd, monkeypatch, bound, margin):
    """Means (0, 0), (1, 0) and (2, 0), alike for all clients."""
    seen = []

    def watched(*arguments):
        seen.append(arguments[-1])
        return adaptive_contrast(*arguments)

    monkeypatch.setattr(module, "adaptive_contrast", watched)
    crowd.round(FedTGPStyle({"maximum_margin": bound, "server_epochs": 3}), {})
    assert seen == pytest.approx([margin] * 3)


def test_the_server_goes_on_from_what_it_learnt(crowd):
    """Two rounds of 50 steps are further than one; a new network each round would stand where it stood."""
    once = crowd.round(FedTGPStyle({"server_epochs": 1}), {})
    twice = crowd.round(FedTGPStyle({"server_epochs": 1}), once)
    network = [n for n in once if n.startswith("server/")]
    assert len(network) == 5
    assert all(not np.array_equal(once[n], twice[n]) for n in network)
    assert bits(prototypes(once)) != bits(prototypes(twice))


def test_the_seed_decides(crowd):
    """And nothing else: not torch's own stream, which is left where it was."""
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = crowd.round(FedTGPStyle({}), {})
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    assert bits(crowd.round(FedTGPStyle({}), {})) == bits(first)


def test_a_class_that_nobody_sends_stays_as_it_was(crowd):
    old = {f"prototype/fused/{k}": np.array([7, 7 + k], np.float32) for k in range(3)}
    aggregate = FedTGPStyle({}).aggregator.reduce(crowd.updates(FedTGPStyle({}), old, order=[0]))
    state = FedTGPStyle({}).server_round(old, aggregate, crowd.context)
    assert state["prototype/fused/2"] is old["prototype/fused/2"]
    assert not np.array_equal(state["prototype/fused/0"], old["prototype/fused/0"])


def test_a_class_alone_has_its_mean(seat):
    """There is nothing to lie apart from."""
    alone = seat([(0, (1, 1)), (0, (3, 1))], [(0, (5, 3))])
    state = alone.round(FedTGPStyle({}), {})
    assert state.keys() == {"prototype/fused/0"}
    np.testing.assert_array_equal(state["prototype/fused/0"], [3.5, 2])


def test_a_round_without_prototypes_changes_nothing(crowd):
    algorithm = FedTGPStyle({})
    assert algorithm.server_round({}, algorithm.aggregator.reduce([]), crowd.context) == {}


def test_what_the_server_looks_at_is_bounded(crowd):
    algorithm = FedTGPStyle({"sample": 1})
    aggregate = algorithm.aggregator.reduce(crowd.updates(algorithm, {}))
    each = {n: a.shape for n, a in aggregate.tensors.items() if n.startswith("per_client/")}
    assert each == {f"per_client/prototype/fused/{k}": (1, 2) for k in range(3)}


def test_it_cannot_go_through_secure_summation():
    assert FedTGPStyle({}).aggregator.needs == "updates"


def test_runs_learn_it_and_keep_the_network_to_the_server(tiny, simulate):
    run = simulate(tiny("fedtgp_style", "rounds.count=2"))
    assert all("each" not in e["sent"] for e in run.of_kind("client_finished"))
    assert not any(n.startswith("per_client/") for n in run.outcome.state)
    (started,) = run.of_kind("run_started")
    assert all(d["name"].startswith(("prototype/", "features/", "evaluation/"))
               for d in started["declared"])  # fmt: skip
    assert started["evaluations"] == ["local", "prototype", "personal"]


def test_a_lost_round_and_a_stop_change_nothing(survive):
    whole, stopped = survive("fedtgp_style"), survive("fedtgp_style", stopped=True)
    assert bits(stopped.outcome.state) == bits(whole.outcome.state)
    assert any(n.startswith("server/network/") for n in whole.outcome.state)


def test_settings_are_its_own():
    with pytest.raises(UserError, match="algorithm fedtgp_style: weighting: no such setting"):
        FedTGPStyle({"weighting": "count"})
