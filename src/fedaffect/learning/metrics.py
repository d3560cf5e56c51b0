"""Scores from counts; a client need send no more than one confusion matrix for each conversation."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fedaffect.learning.learner import Outputs
from fedaffect.randomness import generator
from fedaffect.schema import UNLABELLED, Floats

if TYPE_CHECKING:
    from fedaffect.corpus.schema import ConversationCorpus

BINS = 15
DRAWN_AT_ONCE = 2**21
"""Conversations drawn at once in a bootstrap: 16 MiB."""
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Scores:
    """Scores of one confusion matrix; macro F1 and UAR leave out classes without items."""

    weighted_f1: float
    macro_f1: float
    accuracy: float
    uar: float


@dataclass(frozen=True)
class Evaluation:
    """Counts of one model on one part of a corpus, which add up over clients.

    Attributes:
        confusion: int64 [conversations, classes, classes], rows true, columns predicted.
        reliability: float64 [BINS, 3]: items, sum of confidences, correct items, by bin of confidence.
        modality_weights: float64 [classes, modalities], sums over the items of each true class.
    """

    confusion: Counts
    reliability: Floats
    modality_weights: Floats

    @property
    def total(self) -> Counts:
        """int64 [classes, classes]: the confusion matrix of all conversations."""
        total: Counts = self.confusion.sum(axis=0)
        return total


def evaluate(corpus: "ConversationCorpus", outputs: Outputs) -> Evaluation:
    """Compare predictions with labels; unlabelled utterances are left out."""
    labelled = corpus.label[outputs.item] != UNLABELLED
    # A diverged model predicts NaN: this counts as the first class with confidence 0.
    item, probability = outputs.item[labelled], np.nan_to_num(outputs.probability[labelled])
    true, predicted = corpus.label[item], probability.argmax(axis=1)
    classes = len(corpus.classes)

    _, position = np.unique(corpus.conversation[item], return_inverse=True)
    confusion = np.zeros((int(position.max(initial=-1)) + 1, classes, classes), np.int64)
    np.add.at(confusion, (position, true, predicted), 1)

    confidence = probability.max(axis=1)
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    reliability = np.zeros((BINS, 3))
    np.add.at(reliability, bins, np.stack([np.ones(len(bins)), confidence, true == predicted], 1))

    weights = np.zeros((classes, outputs.modality_weights.shape[1]))
    np.add.at(weights, true, np.nan_to_num(outputs.modality_weights[labelled]))
    return Evaluation(confusion, reliability, weights)


def recall_and_f1(confusion: Counts) -> tuple[Floats, Floats]:
    """Recall (per-class accuracy) and F1, each float64 [..., classes]; 0 for a class without items."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1).astype(np.float64)
    true, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    recall = np.divide(hits, true, out=np.zeros_like(hits), where=true > 0)
    both = true + predicted
    return recall, np.divide(2 * hits, both, out=np.zeros_like(hits), where=both > 0)


def scores(confusion: Counts) -> Scores:
    """Scores of a confusion matrix [classes, classes]; all 0 without items.

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
    """A confusion matrix without the rows of classes that a client lacks: FedProto's *personal* test.

    Args:
        labels: int64 [classes], label counts of the client.
    """
    return np.where((labels > 0)[:, None], confusion, 0)


def calibration_error(reliability: Floats) -> float:
    """Expected calibration error (Naeini et al. 2015) from `Evaluation.reliability`."""
    items, confidence, correct = reliability.T
    return float(np.abs(confidence - correct).sum() / max(items.sum(), 1))


def bootstrap_interval(
    confusion: Counts, seed: int, draws: int = 1000, level: float = 0.95
) -> tuple[float, float]:
    """A bootstrap interval of weighted F1, drawing conversations with replacement.

    Args:
        confusion: int64 [..., conversations, classes, classes]. For several models, the interval of their
            mean score; all use the same draws.
    """
    random = generator(seed, "bootstrap")
    count, classes = confusion.shape[-3:-1]
    models = confusion.reshape(int(np.prod(confusion.shape[:-3])), count, classes, classes)
    found, block = np.zeros(draws), max(DRAWN_AT_ONCE // max(count, 1), 1)
    for first in range(0, draws, block):
        drawn = random.integers(0, count, size=(min(block, draws - first), count))
        times = np.stack([np.bincount(rows, minlength=count) for rows in drawn])
        for model in models:  # one by one, which bounds memory
            found[first : first + block] += weighted_f1_by_draw(times, model)
    found /= len(models)
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def weighted_f1_by_draw(times: Counts, confusion: Counts) -> Floats:
    """float64 [draws]: weighted F1 of each draw.

    Args:
        times: int64 [draws, conversations], how often each conversation was drawn.
        confusion: int64 [conversations, classes, classes].
    """
    # Matrix products of floats are faster than those of integers, and exact below 2**53.
    count, classes = confusion.shape[:2]
    flat = confusion.reshape(count, classes**2).astype(np.float64)
    totals = (times.astype(np.float64) @ flat).astype(np.int64).reshape(-1, classes, classes)
    support, (_, f1) = totals.sum(axis=-1), recall_and_f1(totals)
    scores: Floats = (support * f1).sum(axis=-1) / np.maximum(support.sum(axis=-1), 1)
    return scores
