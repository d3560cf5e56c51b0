"""What one client minimises: SDT's three terms (Ma et al. 2024), each a plain function.

Rows are gathered before anything is computed on them: a padded or absent row has neither a value nor
a gradient, where masking afterwards would give 0 × NaN.
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
    """Σ w_y (1 - p_y)^γ (-log p_y) / Σ w_y over the rows of the mask; 0, with a graph, where it has none.

    p is the softmax of logits + shift. With smoothing, -log p_y is mixed with the mean of -log p over all
    classes, each by its part of softmax(shift), which is what p is where logits say nothing. Of an utterance
    that is of several classes, log p_y and w_y are their means by shares.

    Args:
        logits: float [..., C].
        label: int64 [...], or shares, float [..., C], whose rows sum to 1.
        mask: bool [...], True = counts.
        class_weights: float [C], positive; None = all 1.
        label_smoothing: a label counts 1 - this, and every class alike for the rest.
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
    rows, shared = rows + shift, labels.dim() == 2
    if not focal and not label_smoothing and not shared:
        return functional.cross_entropy(rows, labels, weight=class_weights)
    log_probability = rows.log_softmax(dim=-1)
    if shared:
        own = (labels * log_probability).sum(dim=-1)
    else:
        own = log_probability.gather(1, labels.unsqueeze(1)).squeeze(1)
    # torch's own smoothing gives each class its weight: those a client has none of would win.
    each = -(1 - label_smoothing) * own - label_smoothing * (log_probability @ shift.softmax(-1))
    if focal:  # at p_y = 1 the slope of 0^γ is infinite for γ < 1
        unknown = (-torch.expm1(own)).clamp_min(torch.finfo(own.dtype).eps)
        each = each * unknown**focal
    if class_weights is None:
        weight = torch.ones_like(own)
    else:
        weight = labels @ class_weights if shared else class_weights[labels]
    return (weight * each).sum() / weight.sum()


def supervised_contrastive(
    embedding: Tensor, label: Tensor, mask: Tensor, temperature: float = 0.1
) -> Tensor:
    """Embeddings of one label pull each other, all others push (Khosla et al. 2020, L_out).

    Mean over the mask's rows i, among those with another row of their label, of
    -mean_p log(exp(z_i·z_p / τ) / Σ_a exp(z_i·z_a / τ)), p over these others and a over all others;
    0 where no label occurs twice.

    Args:
        embedding: float [..., d], scaled to length 1 here.
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
    alike = (labels.unsqueeze(0) == labels.unsqueeze(1)) & ~itself
    likeness = (rows @ rows.T / temperature).masked_fill(itself, -torch.inf)
    others = alike.sum(dim=1)
    if not others.any():
        return rows.sum() * 0
    share = likeness.log_softmax(dim=1).masked_fill(~alike, 0).sum(dim=1) / others.clamp_min(1)
    return -share[others > 0].mean()


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
        detach_teacher: leave the teacher alone; SDT's release pulls it toward its students as well.
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
    """γ₁ L_task + γ₂ L_CE + γ₃ L_KL, each summed over students; and a contrastive term if asked.

    All three terms are over supervised rows, an unsupervised utterance being context only; those of a
    student of a modality, its denominators included, over the supervised rows that have it.

    Args:
        class_weights: float [C]; None = all 1.
        shift: float [C], added to logits where labels are learnt; None = 0.
        teacher: float [B, N, C], logits that students learn from; None = those of all modalities together.

    Returns:
        The total, a scalar with a graph, and its parts without one: `task`, `student`,
        `distillation`, `contrastive`, each before its factor.

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
    label = batch.label if batch.shares is None else batch.shares
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
