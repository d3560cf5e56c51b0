"""FedProto's and FedMPD's terms: by hand, against their formulas, and where they could break."""

from math import sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.learning.torch.prototype_objectives import (
    Prototypes,
    batch_class_means,
    pull,
    pull_and_push,
    triplet,
)


def prototypes(table, there=None, margin=None, centres=1):
    """Of a table [P, d] those that are there."""
    table = np.asarray(table)
    there = np.ones(len(table), bool) if there is None else there
    margin = np.zeros(len(table)) if margin is None else margin
    known = {n: table[n] for n in range(len(table)) if there[n]}
    return Prototypes.of(known, {n: float(margin[n]) for n in known}, centres, torch.device("cpu"))


@given(st.integers(1, 6), st.integers(1, 5), st.integers(2, 4), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_pull_and_push_is_its_formula(n, classes, dim, seed):
    random = np.random.default_rng(seed)
    x, c = random.normal(size=(n, dim)), random.normal(size=(classes, dim))
    y, there = random.integers(classes, size=n), random.random(classes) < 0.7
    margin = random.uniform(0.5, 1.5, classes)
    expected = 0.0
    for i in range(n):
        if not there[y[i]]:
            continue
        unit = x[i] / np.linalg.norm(x[i])
        expected += np.linalg.norm(unit - c[y[i]])
        for k in range(classes):
            if there[k] and k != y[i]:
                push = max(0.0, margin[y[i]] - np.linalg.norm(unit - c[k]))
                expected += push / (there.sum() - 1)
    if not there.any():
        return
    unit = torch.from_numpy(x / np.linalg.norm(x, axis=1, keepdims=True))
    found = pull_and_push(unit, torch.from_numpy(y), prototypes(c, there, margin))
    assert float(found) == pytest.approx(expected / n, abs=1e-5)


def test_its_gradient_is_finite_where_an_embedding_meets_its_prototype():
    x = torch.eye(3).requires_grad_()
    value = pull_and_push(x, torch.arange(3), prototypes(np.eye(3), margin=[1.5] * 3))
    value.backward()
    assert float(value.detach()) == pytest.approx(1.5 - sqrt(2), abs=1e-5)
    assert torch.isfinite(x.grad).all()


def test_what_repels_has_a_gradient_where_prototypes_collapse():
    """All prototypes at one point, r_k = r_min; the pull alone would give just its own distance."""
    x = torch.tensor([[1.0, 0.2]], requires_grad=True)
    collapsed = [[1, k * 1e-7] for k in range(3)]
    label = torch.tensor([0])
    pulled = pull_and_push(x, label, prototypes(collapsed))
    both = pull_and_push(x, label, prototypes(collapsed, margin=[0.5] * 3))
    (gradient,) = torch.autograd.grad(both - pulled, x)
    assert both.item() > pulled.item()
    assert torch.isfinite(gradient).all()
    assert gradient.norm() > 0.1


X, LABEL = torch.tensor([[0.6, 0.8]]), torch.tensor([0])
RIGHT_ANGLES = [[1, 0], [0, 1], [-1, 0]]  # at √0.8, √0.4, √3.2


def test_terms_one_by_one():
    known = prototypes(RIGHT_ANGLES, margin=[sqrt(2)] * 3)
    values = {t: float(pull_and_push(X, LABEL, known, t)) for t in ("pull", "push", "both")}
    assert values["pull"] == pytest.approx(sqrt(0.8), abs=1e-6)
    assert values["push"] == pytest.approx((sqrt(2) - sqrt(0.4)) / 2, abs=1e-6)
    assert values["both"] == pytest.approx(values["pull"] + values["push"], abs=1e-6)


def test_importance_is_by_class():
    known = prototypes(RIGHT_ANGLES, margin=[1.0] * 3)
    plain = pull_and_push(X, LABEL, known)
    counted = pull_and_push(X, LABEL, known, importance=torch.tensor([0.25, 7.0, 7.0]))
    assert float(counted) == pytest.approx(float(plain) / 4)


def test_the_nearest_centre_pulls_and_every_centre_of_others_pushes():
    """Class 0 has (1, 0) and (0, 1), class 1 (-1, 0) and (0, -1)."""
    known = prototypes([[1, 0], [0, 1], [-1, 0], [0, -1]], margin=[2.0] * 4, centres=2)
    push = (2 - sqrt(3.2)) + (2 - sqrt(3.6))
    assert float(pull_and_push(X, LABEL, known)) == pytest.approx(sqrt(0.4) + push / 2, abs=1e-6)


def test_triplet_by_hand():
    """d to its own √0.8, to the nearest other √0.4; the other utterance has no prototype of its class."""
    two = torch.cat([X, X]), torch.tensor([0, 3])
    expected = (sqrt(0.8) - sqrt(0.4) + 0.2) / 2
    found = triplet(*two, prototypes([*RIGHT_ANGLES, [0, 0]], there=[1, 1, 1, 0]), 0.2)
    assert float(found) == pytest.approx(expected, abs=1e-6)
    held = triplet(torch.tensor([[1.0, 0.0]]), LABEL, prototypes(RIGHT_ANGLES), 0.2)
    assert float(held) == 0  # d = 0 against √2: nothing is violated


def test_triplet_with_nothing_to_compare_is_zero_with_a_gradient():
    x = X.clone().requires_grad_()
    triplet(x, LABEL, prototypes([[1, 0]]), 0.2).backward()
    assert torch.equal(x.grad, torch.zeros_like(x))


def test_the_pull_is_the_mean_squared_error_by_hand():
    """(1 + 9) / 2 for the first, 0 for the second (its class is unknown): a mean of 2.5."""
    embedding = torch.tensor([[1.0, 3.0], [4.0, 4.0]], requires_grad=True)
    value = pull(embedding, torch.tensor([0, 1]), prototypes(np.zeros((2, 2)), there=[1, 0]))
    assert value.item() == 2.5
    value.backward()
    # d/dx of (x² + y²) / 2 over two rows
    assert embedding.grad.tolist() == [[0.5, 1.5], [0, 0]]


def test_the_pull_is_torchs_mse_against_the_embeddings_own_copy():
    """As FedProto's code writes it: unknown classes keep their embedding as the target."""
    random = torch.Generator().manual_seed(0)
    embedding = torch.randn(7, 5, generator=random)
    table, known = torch.randn(4, 5, generator=random), torch.tensor([True, True, False, True])
    label = torch.tensor([0, 1, 2, 3, 2, 1, 0])
    target = embedding.clone()
    target[known[label]] = table[label][known[label]]
    expected = torch.nn.functional.mse_loss(embedding, target)
    assert pull(embedding, label, prototypes(table, there=known)).item() == pytest.approx(
        expected.item()
    )


def test_no_row_pulls_nothing():
    value = pull(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64), prototypes(np.ones((2, 3))))
    assert value.item() == 0


def test_class_means_of_a_batch_count_by_their_utterances():
    x = torch.tensor([[1.0, 0.0], [3.0, 2.0], [5.0, 5.0]])
    means, classes, size = batch_class_means(x, torch.tensor([4, 4, 1]))
    assert classes.tolist() == [1, 4]
    assert means.tolist() == [[5, 5], [2, 1]]
    assert size.tolist() == [1, 2]
    table = np.zeros((5, 2))
    found = pull_and_push(means, classes, prototypes(table), "pull", size=size)
    assert float(found) == pytest.approx((sqrt(50) + 2 * sqrt(5)) / 3)
