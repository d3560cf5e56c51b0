"""Scores from counts. A confusion matrix a conversation is all that ever needs to leave a client."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fedaffect.learning.learner import Outputs
from fedaffect.randomness import generator
from fedaffect.schema import UNLABELLED

if TYPE_CHECKING:
    from fedaffect.corpus.schema import ConversationCorpus

BINS = 15
DRAWN_AT_ONCE = 2**21
"""Conversations, over several draws: 16 MiB."""
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """The field's scores of one confusion matrix; classes without an item do not count in the means."""

    weighted_f1: float
    macro_f1: float
    accuracy: float
    uar: float


@dataclass(frozen=True)
class Evaluation:
    """Additive counts of one model on one part of a corpus.

    Attributes:
        confusion: int64 [conversations, classes, classes], rows true, columns estimated.
        reliability: float64 [BINS, 3]: items, summed confidence, correct ones, by confidence.
        modality_weights: float64 [classes, modalities], summed over items of a true class.
    """

    confusion: Counts
    reliability: Floats
    modality_weights: Floats

    @property
    def total(self) -> Counts:
        """int64 [classes, classes]: the confusion over all conversations."""
        total: Counts = self.confusion.sum(axis=0)
        return total


def evaluate(corpus: "ConversationCorpus", outputs: Outputs) -> Evaluation:
    """Count what `outputs` got right and wrong; unlabelled utterances are left out."""
    labelled = corpus.label[outputs.item] != UNLABELLED
    # A diverged model says NaN: counted as the first class, without confidence; its record stays readable.
    item, probability = outputs.item[labelled], np.nan_to_num(outputs.probability[labelled])
    true, estimated = corpus.label[item], probability.argmax(axis=1)
    classes = len(corpus.classes)

    _, position = np.unique(corpus.conversation[item], return_inverse=True)
    confusion = np.zeros((int(position.max(initial=-1)) + 1, classes, classes), np.int64)
    np.add.at(confusion, (position, true, estimated), 1)

    confidence = probability.max(axis=1)
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    reliability = np.zeros((BINS, 3))
    np.add.at(reliability, bins, np.stack([np.ones(len(bins)), confidence, true == estimated], 1))

    weights = np.zeros((classes, outputs.modality_weights.shape[1]))
    np.add.at(weights, true, np.nan_to_num(outputs.modality_weights[labelled]))
    return Evaluation(confusion, reliability, weights)


def recall_and_f1(confusion: Counts) -> tuple[Floats, Floats]:
    """Each class's recall (the field's per-class "accuracy") and F1; 0 where a class has no item."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1).astype(np.float64)
    true, estimated = confusion.sum(axis=-1), confusion.sum(axis=-2)
    recall = np.divide(hits, true, out=np.zeros_like(hits), where=true > 0)
    both = true + estimated
    return recall, np.divide(2 * hits, both, out=np.zeros_like(hits), where=both > 0)


def scores(confusion: Counts) -> Scores:
    """Scores of [classes, classes]; all 0 for an empty matrix.

    accuracy = Σ_c n_c recall_c / N and weighted F1 = Σ_c n_c F1_c / N.
    """
    support = confusion.sum(axis=1)
    seen, total = support > 0, max(int(support.sum()), 1)
    recall, f1 = recall_and_f1(confusion)
    if not seen.any():
        return Scores(0.0, 0.0, 0.0, 0.0)
    return Scores(
        weighted_f1=float(support @ f1 / total),
        macro_f1=float(f1[seen].mean()),
        accuracy=float(support @ recall / total),
        uar=float(recall[seen].mean()),
    )


def own_classes(confusion: Counts, labels: Counts) -> Counts:
    """The rows of a confusion matrix whose class a client has: FedProto's *personal* test.

    Args:
        labels: int64 [classes], the client's label counts.
    """
    return np.where((labels > 0)[:, None], confusion, 0)


def calibration_error(reliability: Floats) -> float:
    """Expected calibration error (Naeini et al. 2015) from `Evaluation.reliability`."""
    items, confidence, correct = reliability.T
    return float(np.abs(confidence - correct).sum() / max(items.sum(), 1))


def bootstrap_interval(
    confusion: Counts, seed: int, draws: int = 1000, level: float = 0.95
) -> tuple[float, float]:
    """An interval for weighted F1 by drawing conversations with replacement.

    Args:
        confusion: int64 [..., conversations, classes, classes]; the conversation is what is
            independent. Of several models the interval is that of their mean, all seeing one draw.
    """
    random = generator(seed, "bootstrap")
    count, classes = confusion.shape[-3:-1]
    models = confusion.reshape(int(np.prod(confusion.shape[:-3])), count, classes, classes)
    drawn, some = np.zeros(draws), max(DRAWN_AT_ONCE // max(count, 1), 1)
    for first in range(0, draws, some):
        picked = random.integers(0, count, size=(min(some, draws - first), count))
        times = np.stack([np.bincount(rows, minlength=count) for rows in picked])
        for model in models:  # one by one: a thousand at once would be hundreds of megabytes
            drawn[first : first + some] += weighted_f1_by_draw(times, model)
    drawn /= len(models)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def weighted_f1_by_draw(times: Counts, confusion: Counts) -> Floats:
    """float64 [draws]: weighted F1 where each conversation counts as often as it was drawn.

    Args:
        times: int64 [draws, conversations].
        confusion: int64 [conversations, classes, classes].
    """
    # Products of floats are the fast ones; of whole numbers below 2**53 they are exact.
    count, classes = confusion.shape[:2]
    flat = confusion.reshape(count, classes**2).astype(np.float64)
    totals = (times.astype(np.float64) @ flat).astype(np.int64).reshape(-1, classes, classes)
    support, (_, f1) = totals.sum(axis=-1), recall_and_f1(totals)
    scores: Floats = (support * f1).sum(axis=-1) / np.maximum(support.sum(axis=-1), 1)
    return scores
