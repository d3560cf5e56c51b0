"""What one client minimises: SDT's three terms (Ma et al. 2024), each a plain function.

Rows are gathered before anything is computed on them: a padded or absent row has neither a value nor
a gradient, where masking afterwards would give 0 × NaN.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from fedaffect.experiment import Training
from fedaffect.models.batch import DialogueBatch
from fedaffect.models.prediction import Prediction


def weighted_cross_entropy(
    logits: Tensor, label: Tensor, mask: Tensor, class_weights: Tensor | None = None
) -> Tensor:
    """Σ w_y (-log p_y) / Σ w_y over the rows of the mask; 0, with a graph, where it has none.

    Args:
        logits: float [..., C].
        label: int64 [...].
        mask: bool [...], True = counts.
        class_weights: float [C], positive; None = all 1.

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
    return functional.cross_entropy(rows, labels, weight=class_weights)


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
    teacher: Tensor | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """γ₁ L_task + γ₂ L_CE + γ₃ L_KL, students summed over modalities.

    All three terms are over supervised rows, an unsupervised utterance being context only; those of a
    student, its denominators included, over the supervised rows that have its modality.

    Args:
        class_weights: float [C]; None = all 1.
        teacher: float [B, N, C], logits that students learn from; None = those of all modalities together.

    Returns:
        The total, a scalar with a graph, and its parts without one: `task`, `student`,
        `distillation`, each before its factor γ.

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
    task = weighted_cross_entropy(prediction.logits, batch.label, supervised, class_weights)
    student, distilled = torch.zeros_like(task), torch.zeros_like(task)
    for modality, logits in prediction.by_modality.items():
        rows = supervised & batch.present[modality]
        student = student + weighted_cross_entropy(logits, batch.label, rows, class_weights)
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
    return total, {name: part.detach() for name, part in parts.items()}


def class_weights(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """1 / f_c with f_c = n_c / n, SDT's weights on IEMOCAP; a class without an item counts as with one.

    Args:
        counts: int64 [C], labelled items of each class.

    Returns:
        float64 [C], finite and positive.

    Example:
        >>> class_weights(np.array([1, 3, 0])).round(2).tolist()
        [4.0, 1.33, 4.0]
    """
    weights: npt.NDArray[np.float64] = max(int(counts.sum()), 1) / np.maximum(counts, 1)
    return weights
