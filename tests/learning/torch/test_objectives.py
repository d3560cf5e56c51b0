import doctest
import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from fedaffect.experiment import Training
from fedaffect.learning.torch import objectives
from fedaffect.learning.torch.objectives import (
    distillation,
    sdt_objective,
    supervised_contrastive,
    weighted_cross_entropy,
)
from fedaffect.models.base import DialogueBatch, Prediction

NAMES = ("audio", "text", "visual")
B, N, C = 2, 5, 4


def random_logits(seed, scale=3.0):
    return scale * torch.randn(B, N, C, generator=torch.Generator().manual_seed(seed))


def batch_of(valid, supervised=None, present=None):
    label = torch.randint(C, (B, N), generator=torch.Generator().manual_seed(9))
    features = {m: torch.zeros(B, N, 1) for m in NAMES}
    there = dict.fromkeys(NAMES, valid) | (present or {})
    role = torch.zeros(B, N, dtype=torch.int64)
    return DialogueBatch(
        features, there, role, valid, label, valid if supervised is None else supervised
    )


def prediction_of(teacher, students):
    weights = torch.ones(B, N, len(NAMES)) / len(NAMES)
    return Prediction(teacher, students, teacher, students, weights)


@pytest.fixture
def valid():
    return torch.arange(N) < torch.tensor([[5], [3]])


def test_the_examples_run():
    results = doctest.testmod(objectives)
    assert results.attempted >= 10
    assert results.failed == 0


def test_uniform_logits(valid):
    """ln C for the task, ln C a student, and no divergence."""
    even = torch.zeros(B, N, C)
    prediction = prediction_of(even, dict.fromkeys(NAMES, even))
    total, parts = sdt_objective(prediction, batch_of(valid), Training(), torch.rand(C) + 0.1)
    assert parts["task"].item() == pytest.approx(math.log(C))
    assert parts["student"].item() == pytest.approx(3 * math.log(C))
    assert parts["distillation"].item() == 0
    assert total.item() == pytest.approx(4 * math.log(C))


def test_factors_weigh_the_parts(valid):
    students = {m: random_logits(i + 1) for i, m in enumerate(NAMES)}
    training = Training(task_weight=2, student_weight=0.5, distillation_weight=3, temperature=2)
    total, parts = sdt_objective(
        prediction_of(random_logits(0), students), batch_of(valid), training
    )
    expected = 2 * parts["task"] + 0.5 * parts["student"] + 3 * parts["distillation"]
    torch.testing.assert_close(total, expected)
    assert not any(part.requires_grad for part in parts.values())


def test_cross_entropy_is_torch_s_weighted_mean_over_valid_rows(valid):
    logits, label, weights = random_logits(0), batch_of(valid).label, torch.rand(C) + 0.1
    expected = functional.nll_loss(
        functional.log_softmax(logits, -1)[valid], label[valid], weight=weights
    )
    torch.testing.assert_close(weighted_cross_entropy(logits, label, valid, weights), expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("focal", [0.0, 2.0])
def test_a_label_is_all_shares_in_one_class(valid, smoothing, focal):
    logits, label, weights = random_logits(0), batch_of(valid).label, torch.rand(C) + 0.1
    soft_label = functional.one_hot(label, C).float()
    for by_class in (None, weights):
        torch.testing.assert_close(
            weighted_cross_entropy(logits, soft_label, valid, by_class, smoothing, focal),
            weighted_cross_entropy(logits, label, valid, by_class, smoothing, focal),
        )


def test_shares_by_hand():
    """Two classes at p = (3/4, 1/4): one utterance half of each, one all of the second."""
    logits = torch.tensor([[math.log(3), 0.0]] * 2)
    soft_label, rows = torch.tensor([[0.5, 0.5], [0.0, 1.0]]), torch.tensor([True, True])
    first, second = -math.log(3 / 4), -math.log(1 / 4)
    half = (first + second) / 2
    assert weighted_cross_entropy(logits, soft_label, rows).item() == pytest.approx(
        (half + second) / 2
    )
    weights = torch.tensor([1.0, 3.0])  # of the first utterance: 2
    expected = (2 * half + 3 * second) / 5
    assert weighted_cross_entropy(logits, soft_label, rows, weights).item() == pytest.approx(
        expected
    )


def test_shares_are_learnt_from_instead_of_labels_by_students_too(valid):
    soft_label = random_logits(7).softmax(-1)
    prediction = prediction_of(random_logits(0), {m: random_logits(i) for i, m in enumerate(NAMES)})
    hard = batch_of(valid)
    soft = replace(hard, soft_label=soft_label)
    _, parts = sdt_objective(prediction, soft, Training())
    each = [weighted_cross_entropy(x, soft_label, valid) for x in prediction.students.values()]
    torch.testing.assert_close(parts["student"], sum(each))
    torch.testing.assert_close(
        parts["task"], weighted_cross_entropy(prediction.logits, soft_label, valid)
    )
    other = replace(soft, label=(hard.label + 1) % C)
    torch.testing.assert_close(sdt_objective(prediction, other, Training())[1], parts)


def test_a_mask_equals_the_sub_tensor(valid):
    first = torch.zeros_like(valid)
    first[:, :2] = True
    teacher, student, label = random_logits(0), random_logits(1), batch_of(valid).label
    everything = torch.ones(B, 2, dtype=torch.bool)
    torch.testing.assert_close(
        distillation(teacher, student, first),
        distillation(teacher[:, :2], student[:, :2], everything),
    )
    torch.testing.assert_close(
        weighted_cross_entropy(teacher, label, first),
        weighted_cross_entropy(teacher[:, :2], label[:, :2], everything),
    )


def test_divergence_by_hand():
    teacher, student = torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, math.log(3)]])
    row = torch.tensor([True])
    expected = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)
    assert distillation(teacher, student, row).item() == pytest.approx(expected)
    hot = distillation(2 * teacher, 2 * student, row, temperature=2)
    assert hot.item() == pytest.approx(expected)
    scaled = distillation(2 * teacher, 2 * student, row, 2, scale_by_temperature=True)
    assert scaled.item() == pytest.approx(4 * expected)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), scale=st.floats(0, 200), temperature=st.floats(0.1, 50))
def test_divergence_is_never_negative(seed, scale, temperature):
    everything = torch.ones(B, N, dtype=torch.bool)
    teacher, student = random_logits(seed, scale), random_logits(seed + 1, scale)
    value = distillation(teacher, student, everything, temperature)
    assert value.isfinite()
    assert value >= -1e-6
    assert distillation(teacher, teacher, everything, temperature) == 0


def test_divergence_vanishes_at_high_temperature(valid):
    values = [distillation(random_logits(0), random_logits(1), valid, t) for t in (1, 10, 1e4)]
    assert values[0] > values[1] > values[2]
    assert values[2] < 1e-6


@pytest.mark.parametrize("detach", [True, False])
def test_a_detached_teacher_gets_no_gradient(valid, detach):
    teacher, student = random_logits(0).requires_grad_(), random_logits(1).requires_grad_()
    distillation(teacher, student, valid, detach_teacher=detach).backward()
    assert student.grad.any()
    assert (teacher.grad is None) == detach


def test_padded_rows_have_no_gradient_and_no_nan(valid):
    """SDT's release masks distributions to 0 and divides: NaN gradients on padding."""
    worst = torch.where(valid.unsqueeze(-1), random_logits(0), float("nan")).requires_grad_()
    students = {m: random_logits(i + 1, 100).requires_grad_() for i, m in enumerate(NAMES)}
    students["text"] = torch.where(
        valid.unsqueeze(-1), students["text"].detach(), float("-inf")
    ).requires_grad_()
    total, _ = sdt_objective(prediction_of(worst, students), batch_of(valid), Training())
    assert total.isfinite()
    total.backward()
    for logits in (worst, *students.values()):
        assert logits.grad.isfinite().all()
        assert not logits.grad[~valid].any()
        assert logits.grad[valid].any()


def test_context_has_a_place_in_no_term(valid):
    supervised = valid.clone()
    supervised[0, 1:4] = False
    teacher = random_logits(0).requires_grad_()
    students = {m: random_logits(i + 1).requires_grad_() for i, m in enumerate(NAMES)}
    prediction = prediction_of(teacher, students)
    total, _ = sdt_objective(prediction, batch_of(valid, supervised), Training())
    total.backward()
    for logits in (teacher, *students.values()):
        assert not logits.grad[~supervised].any()


def test_a_student_is_scored_only_where_its_modality_is(valid):
    text = valid.clone()
    text[0, :3] = False
    batch = batch_of(valid, present={"text": text})
    teacher = random_logits(0)
    students = {m: random_logits(i + 1) for i, m in enumerate(NAMES)}
    _, parts = sdt_objective(prediction_of(teacher, students), batch, Training())
    rows = {"audio": valid, "text": text, "visual": valid}
    cross_entropy = [weighted_cross_entropy(students[m], batch.label, rows[m]) for m in NAMES]
    divergence = [distillation(teacher, students[m], rows[m]) for m in NAMES]
    torch.testing.assert_close(parts["student"], sum(cross_entropy))
    torch.testing.assert_close(parts["distillation"], sum(divergence))


def test_a_batch_without_a_supervised_row_is_zero_with_a_graph(valid):
    teacher = random_logits(0).requires_grad_()
    students = {m: random_logits(i + 1).requires_grad_() for i, m in enumerate(NAMES)}
    batch = batch_of(valid, torch.zeros_like(valid))
    total, parts = sdt_objective(prediction_of(teacher, students), batch, Training(), torch.ones(C))
    assert total.item() == 0
    assert {name: part.item() for name, part in parts.items()} == {
        "task": 0,
        "student": 0,
        "distillation": 0,
    }
    total.backward()
    for logits in (teacher, *students.values()):
        assert torch.equal(logits.grad, torch.zeros(B, N, C))


def test_the_focal_factor_by_hand(valid):
    """Even logits of 4 classes: (1 - 1/4)^2 ln 4, whatever the weights; and 0 is cross entropy."""
    even, batch = torch.zeros(B, N, C), batch_of(valid)
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0])
    found = weighted_cross_entropy(even, batch.label, valid, weights, focal=2.0)
    assert found.item() == pytest.approx(0.75**2 * math.log(4))
    logits = random_logits(0)
    plain = weighted_cross_entropy(logits, batch.label, valid, weights)
    nearly = weighted_cross_entropy(logits, batch.label, valid, weights, focal=1e-9)
    torch.testing.assert_close(plain, nearly)


def test_a_smoothed_label_is_never_certain(valid):
    batch = batch_of(valid)
    certain = 50.0 * functional.one_hot(batch.label, C).float()
    assert weighted_cross_entropy(certain, batch.label, valid).item() == pytest.approx(0, abs=1e-6)
    smoothed = weighted_cross_entropy(certain, batch.label, valid, label_smoothing=0.2)
    assert smoothed.item() == pytest.approx(0.2 * 0.75 * 50)  # three of four parts fall on others


@pytest.mark.parametrize("focal", [0.5, 1.0])
def test_what_is_known_for_certain_has_a_finite_gradient(focal):
    logits = torch.tensor([[[30.0, 0.0]]], requires_grad=True)
    label, rows = torch.zeros(1, 1, dtype=torch.int64), torch.ones(1, 1, dtype=torch.bool)
    weighted_cross_entropy(logits, label, rows, focal=focal).backward()
    assert logits.grad.isfinite().all()


def test_smoothing_spreads_over_all_classes_alike_whatever_their_weights():
    """A class that a client has no label of weighs much; it must not win."""
    label, rows = torch.zeros(1, 1, dtype=torch.int64), torch.ones(1, 1, dtype=torch.bool)
    weights = torch.tensor([1.0, 300.0, 300.0])
    logits = torch.zeros(1, 1, 3, requires_grad=True)
    for _ in range(200):
        loss = weighted_cross_entropy(logits, label, rows, weights, label_smoothing=0.3)
        (gradient,) = torch.autograd.grad(loss, logits)
        logits = (logits - 2 * gradient).detach().requires_grad_()
    found = logits.softmax(-1).flatten()
    torch.testing.assert_close(found, torch.tensor([0.8, 0.1, 0.1]), atol=1e-3, rtol=0)


def test_shifted_logits_by_hand(valid):
    """Even logits, shifted by (ln 3, 0): p = (3/4, 1/4), and smoothing spreads in these parts."""
    even, shift = torch.zeros(B, N, 2), torch.tensor([math.log(3.0), 0.0])
    label = torch.zeros(B, N, dtype=torch.int64)
    found = weighted_cross_entropy(even, label, valid, shift=shift)
    assert found.item() == pytest.approx(-math.log(3 / 4))
    smoothed = weighted_cross_entropy(even, label, valid, label_smoothing=0.4, shift=shift)
    spread = 0.75 * math.log(3 / 4) + 0.25 * math.log(1 / 4)
    assert smoothed.item() == pytest.approx(-0.6 * math.log(3 / 4) - 0.4 * spread)
    logits = random_logits(0)[..., :2]
    torch.testing.assert_close(
        weighted_cross_entropy(logits, label, valid, focal=2.0, shift=shift),
        weighted_cross_entropy(logits + shift, label, valid, focal=2.0),
    )


def test_students_learn_labels_from_shifted_logits_and_distil_plain_ones(valid):
    batch, shift = batch_of(valid), torch.linspace(-1, 1, C)
    students = {m: random_logits(i + 1) for i, m in enumerate(NAMES)}
    prediction = prediction_of(random_logits(0), students)
    _, parts = sdt_objective(prediction, batch, Training(), None, shift)
    _, plain = sdt_objective(prediction, batch, Training())
    assert parts["task"] != plain["task"]
    assert parts["student"] != plain["student"]
    assert parts["distillation"] == plain["distillation"]


def test_smoothing_and_focal_by_hand_and_for_students_too(valid):
    """Logits (ln 3, 0), label 0: p = 3/4; -(0.9 ln p + 0.05 (ln p + ln 1/4)) times (1/4)^2."""
    logits = torch.tensor([math.log(3.0), 0.0]).expand(B, N, 2)
    label = torch.zeros(B, N, dtype=torch.int64)
    p = 0.75
    each = -(0.9 * math.log(p) + 0.05 * (math.log(p) + math.log(1 - p)))
    found = weighted_cross_entropy(logits, label, valid, None, 0.1, 2.0)
    assert found.item() == pytest.approx(each * 0.25**2)
    batch = replace(batch_of(valid), label=label)
    chosen = Training(label_smoothing=0.1, focal=2.0)
    _, parts = sdt_objective(prediction_of(logits, {"text": logits}), batch, chosen)
    assert parts["student"].item() == pytest.approx(each * 0.25**2)


def test_the_temperature_of_the_contrastive_term_is_the_one_asked_for(valid):
    prediction, batch = prediction_of(random_logits(1), {}), batch_of(valid)
    chosen = Training(contrastive_weight=1.0, contrastive_temperature=0.7)
    _, parts = sdt_objective(prediction, batch, chosen)
    expected = supervised_contrastive(prediction.embedding, batch.label, valid, 0.7)
    torch.testing.assert_close(parts["contrastive"], expected)


def test_labels_that_occur_once_pull_nothing_and_their_gradient_is_finite():
    embedding = torch.randn(1, 3, 2, requires_grad=True)
    rows = torch.ones(1, 3, dtype=torch.bool)
    loss = supervised_contrastive(embedding, torch.tensor([[0, 1, 2]]), rows)
    loss.backward()
    assert loss.item() == 0
    assert embedding.grad.isfinite().all()


def test_embeddings_of_a_label_come_nearer():
    torch.manual_seed(0)
    embedding = torch.randn(1, 6, 3, requires_grad=True)
    label, rows = torch.tensor([[0, 0, 0, 1, 1, 2]]), torch.ones(1, 6, dtype=torch.bool)
    losses = []
    for _ in range(50):
        loss = supervised_contrastive(embedding, label, rows, 0.5)
        (gradient,) = torch.autograd.grad(loss, embedding)
        assert gradient.isfinite().all()
        embedding = (embedding - 0.5 * gradient).detach().requires_grad_()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_the_contrastive_term_joins_only_where_asked(valid):
    prediction, batch = prediction_of(random_logits(1), {}), batch_of(valid)
    plain, parts = sdt_objective(prediction, batch, Training())
    assert "contrastive" not in parts
    total, parts = sdt_objective(prediction, batch, Training(contrastive_weight=0.5))
    torch.testing.assert_close(total, plain + 0.5 * parts["contrastive"])
