"""Losses: the three terms of SDT (Ma et al. 2024) and a supervised contrastive one.

Masked rows are selected before computing: padded or absent rows have neither value nor gradient, whereas
masking afterwards could give 0 × NaN.
"""

import torch
from torch import Tensor
from torch.nn import functional

from fedaffect.experiment import Training
from fedaffect.models.base import DialogueBatch, Prediction


def weighted_cross_entropy(
    logits: Tensor,
    label: Tensor,
    mask: Tensor,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
    focal: float = 0.0,
    shift: Tensor | None = None,
) -> Tensor:
    """Σ w_y (1 - p_y)^γ (-log p_y) / Σ w_y over the rows of the mask; 0, with a graph, without rows.

    p = softmax(logits + shift). Label smoothing mixes -log p_y with the mean of -log p over classes,
    weighted by softmax(shift), the prediction for equal logits. For soft labels, log p_y and w_y are their
    means over the label's distribution.

    Args:
        logits: float [..., C].
        label: int64 [...], or soft labels, float [..., C], whose rows sum to 1.
        mask: bool [...], True = counts.
        class_weights: float [C], positive; None = all 1.
        label_smoothing: weight of the mean over classes.
        focal: γ (Lin et al. 2017); 0 = cross entropy.
        shift: float [C], added to the logits; None = 0.

    Returns:
        A scalar.

    Example:
        >>> logits = torch.tensor([[0.0, 0.0], [9.0, -9.0]])
        >>> weighted_cross_entropy(logits, torch.tensor([1, 1]), torch.tensor([True, False]))
        tensor(0.6931)
    """
    rows, labels = logits[mask], label[mask]
    if len(rows) == 0:
        return rows.sum()
    shift = rows.new_zeros(rows.shape[-1]) if shift is None else shift
    rows, soft = rows + shift, labels.dim() == 2
    if not focal and not label_smoothing and not soft:
        return functional.cross_entropy(rows, labels, weight=class_weights)
    log_p = rows.log_softmax(dim=-1)
    of_label = (labels * log_p).sum(-1) if soft else log_p.gather(1, labels[:, None]).squeeze(1)
    # torch's own smoothing weighs each class's term, in favour of classes that a client lacks.
    loss = -(1 - label_smoothing) * of_label - label_smoothing * (log_p @ shift.softmax(-1))
    if focal:  # 0^γ has an infinite gradient for γ < 1, so 1 - p_y is clamped
        remaining = (-torch.expm1(of_label)).clamp_min(torch.finfo(of_label.dtype).eps)
        loss = loss * remaining**focal
    if class_weights is None:
        weight = torch.ones_like(of_label)
    else:
        weight = labels @ class_weights if soft else class_weights[labels]
    return (weight * loss).sum() / weight.sum()


def supervised_contrastive(
    embedding: Tensor, label: Tensor, mask: Tensor, temperature: float = 0.1
) -> Tensor:
    """The supervised contrastive loss L_out of Khosla et al. 2020.

    Mean over the mask's rows i that share their label with other rows p, of
    -mean_p log(exp(z_i·z_p / τ) / Σ_a exp(z_i·z_a / τ)), with a over all other rows; 0 where no label occurs
    twice.

    Args:
        embedding: float [..., d], normalised here.
        label: int64 [...].
        mask: bool [...], True = counts.

    Returns:
        A scalar.

    Example:
        >>> z, y = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0, 1])
        >>> supervised_contrastive(z, y, torch.ones(3, dtype=torch.bool), temperature=1.0)
        tensor(0.3133)
    """
    rows, labels = functional.normalize(embedding[mask], dim=-1), label[mask]
    itself = torch.eye(len(rows), dtype=torch.bool, device=rows.device)
    same = (labels.unsqueeze(0) == labels.unsqueeze(1)) & ~itself
    similarity = (rows @ rows.T / temperature).masked_fill(itself, -torch.inf)
    others = same.sum(dim=1)
    if not others.any():
        return rows.sum() * 0
    mean = similarity.log_softmax(dim=1).masked_fill(~same, 0).sum(dim=1) / others.clamp_min(1)
    return -mean[others > 0].mean()


def distillation(
    teacher_logits: Tensor,
    student_logits: Tensor,
    mask: Tensor,
    temperature: float = 1.0,
    detach_teacher: bool = False,
    scale_by_temperature: bool = False,
) -> Tensor:
    """Mean over the mask's rows of KL(softmax(teacher / τ) ‖ softmax(student / τ)); 0 without rows.

    Args:
        teacher_logits: float [..., C].
        student_logits: float [..., C].
        mask: bool [...], True = counts.
        temperature: τ.
        detach_teacher: no gradient for the teacher, which SDT's release trains towards its students too.
        scale_by_temperature: times τ² (Hinton et al. 2015), so that gradients keep their size.

    Returns:
        A scalar ≥ 0.

    Example:
        >>> teacher, student = torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, 1.0986]])
        >>> distillation(teacher, student, torch.tensor([True]))
        tensor(0.1438)
    """
    teacher, student = teacher_logits[mask], student_logits[mask]
    if detach_teacher:
        teacher = teacher.detach()
    if len(student) == 0:
        return student.sum()
    divergence = functional.kl_div(
        functional.log_softmax(student / temperature, dim=-1),
        functional.log_softmax(teacher / temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )
    return divergence * temperature**2 if scale_by_temperature else divergence


def sdt_objective(
    prediction: Prediction,
    batch: DialogueBatch,
    training: Training,
    class_weights: Tensor | None = None,
    shift: Tensor | None = None,
    teacher: Tensor | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """γ₁ L_task + γ₂ L_CE + γ₃ L_KL, the latter two summed over students, and a contrastive term if set.

    All terms are over supervised rows; those of a modality's student over supervised rows with this modality.

    Args:
        class_weights: float [C]; None = all 1.
        shift: float [C], added to logits in terms with labels; None = 0.
        teacher: float [B, N, C], logits to distil from; None = those of all modalities together.

    Returns:
        The total, a scalar with a graph, and its terms without one, before their factors: `task`, `student`,
        `distillation`, `contrastive`.

    Example:
        >>> rows = torch.ones(1, 2, dtype=torch.bool)
        >>> even = torch.zeros(1, 2, 4)
        >>> prediction = Prediction(even, {"text": even}, even, {"text": even}, torch.ones(1, 2, 1))
        >>> label = torch.tensor([[0, 3]])
        >>> batch = DialogueBatch({"text": even}, {"text": rows}, label, rows, label, rows)
        >>> sdt_objective(prediction, batch, Training())[0]
        tensor(2.7726)
    """
    supervised = batch.supervised
    label = batch.label if batch.soft_label is None else batch.soft_label
    settings = (class_weights, training.label_smoothing, training.focal, shift)
    task = weighted_cross_entropy(prediction.logits, label, supervised, *settings)
    student, distilled = torch.zeros_like(task), torch.zeros_like(task)
    for name, logits in prediction.students.items():
        rows = supervised & batch.present.get(name, batch.valid)
        student = student + weighted_cross_entropy(logits, label, rows, *settings)
        distilled = distilled + distillation(
            prediction.logits if teacher is None else teacher,
            logits,
            rows,
            training.temperature,
            training.detach_teacher,
            training.scale_by_temperature,
        )
    total = (
        training.task_weight * task
        + training.student_weight * student
        + training.distillation_weight * distilled
    )
    parts = {"task": task, "student": student, "distillation": distilled}
    if training.contrastive_weight:
        parts["contrastive"] = supervised_contrastive(
            prediction.embedding, batch.label, supervised, training.contrastive_temperature
        )
        total = total + training.contrastive_weight * parts["contrastive"]
    return total, {name: part.detach() for name, part in parts.items()}
