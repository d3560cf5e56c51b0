"""The protocol of a learner, and what it takes and returns; without torch, so that clients need none."""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from fedaffect.errors import UserError
from fedaffect.experiment import Training
from fedaffect.learning.label_balance import LabelBalance
from fedaffect.schema import ClientData, Tensors

if TYPE_CHECKING:
    from fedaffect.corpus.schema import ConversationCorpus

ExtraLoss = Callable[..., Any]
"""`(prediction, batch, item) -> scalar`: an algorithm's own term of the loss.

`item`: int64 [B, N], the batch's rows of the corpus; in the padding the number of its rows.
"""


@dataclass(frozen=True)
class GradientCorrection:
    """Added to the gradient of each parameter w: linear + proximal (w - anchor).

    Attributes:
        anchor: parameters by name, `model/...`.
        proximal: at least 0.
        linear: in the shapes of the parameters; empty = 0.
    """

    anchor: Tensors = field(default_factory=dict)
    proximal: float = 0.0
    linear: Tensors = field(default_factory=dict)


@dataclass(frozen=True)
class FitOptions:
    """Options of one call of `Learner.fit`.

    Attributes:
        seed: of batches and dropout.
        label_balance: class weights and logit shifts; None = from the client's own label counts.
        extra_loss: an algorithm's own term of the loss.
        teacher: probabilities float32 [items of the corpus, classes] to distil from; None = the model's own.
        correction: an algorithm's own part of the gradient.
        only: names of the parameters to train (`model/...`); the others stay. None = all.
        epochs: instead of the experiment's local epochs.
        completed_fraction: of the epochs' steps, rounded up, at least one step.
        learning_rate: of this round; None = the experiment's.
        optimiser: state returned by an earlier `Fit`; None = a fresh optimiser.
    """

    seed: int
    label_balance: LabelBalance | None = None
    extra_loss: ExtraLoss | None = None
    teacher: npt.NDArray[np.float32] | None = None
    correction: GradientCorrection | None = None
    only: Collection[str] | None = None
    epochs: int | None = None
    completed_fraction: float = 1.0
    learning_rate: float | None = None
    optimiser: Mapping[str, npt.NDArray[Any]] | None = None

    def label_balance_of(
        self, training: Training, label: npt.NDArray[np.int64], classes: int
    ) -> LabelBalance:
        """`label_balance`, else that of the client's labels, int64 [n]."""
        if self.label_balance is not None:
            return self.label_balance
        return LabelBalance.of(training, np.bincount(label, minlength=classes))

    def rate(self, training: Training) -> float:
        """The learning rate of this round."""
        return self.learning_rate or training.learning_rate

    def steps(self, training: Training, conversations: int) -> int:
        """The number of optimiser steps on this many conversations."""
        of_epoch = ceil(conversations / training.batch_size)
        return ceil(self.completed_fraction * (self.epochs or training.local_epochs) * of_epoch)


@dataclass(frozen=True)
class Fit:
    """Result of one call of `Learner.fit`.

    Attributes:
        loss: mean over the supervised utterances of the last epoch.
        parts: of the loss, by name.
        steps: optimiser steps taken.
        optimiser: state of the optimiser, named `optimiser/...`.
        untouched: names of the parameters without a gradient, such as the encoder of a missing modality.
    """

    loss: float
    parts: Mapping[str, float]
    steps: int
    optimiser: Tensors = field(default_factory=dict)
    untouched: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Outputs:
    """Predictions for n rows of a corpus, in evaluation mode.

    Attributes:
        item: int64 [n], rows of the corpus.
        probability: float32 [n, classes].
        embedding: float32 [n, embedding_dim], of which prototypes are means.
        embedding_by_modality: the same by modality; undefined where it is absent.
        modality_weights: float32 [n, modalities]; a row sums to 1, or is 0 without any modality.
    """

    item: npt.NDArray[np.int64]
    probability: npt.NDArray[np.float32]
    embedding: npt.NDArray[np.float32]
    modality_weights: npt.NDArray[np.float32]
    embedding_by_modality: Mapping[str, npt.NDArray[np.float32]] = field(default_factory=dict)


class DivergedError(RuntimeError):
    """The loss is not finite; the client reports this instead of sending an update."""


class Learner(Protocol):
    """Learns a client's model: a torch trainer, a linear head on a frozen backbone, or a forest."""

    @property
    def embedding_dim(self) -> int:
        """Length of an embedding and of a prototype."""

    def get(self) -> Tensors:
        """Copies of the model's tensors, named `model/...`."""

    def set(self, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        """Load the model's tensors (`model/...`) and feature statistics (`features/...`).

        Raises:
            UserError: names, shapes or dtypes other than this learner's.
        """

    def using_view(self, view: "ConversationCorpus") -> AbstractContextManager[None]:
        """Inside the context, use labels and presence of a client's view; see `ClientData.view`."""

    def fit(self, data: ClientData, options: FitOptions) -> Fit:
        """Train on a client's data, from the current model on."""

    def predict(self, conversations: npt.NDArray[np.int64]) -> Outputs:
        """Predict every utterance of the conversations, in row order."""


def ensure_matching_statistics(
    statistics: Mapping[str, npt.NDArray[Any]], corpus: "ConversationCorpus"
) -> None:
    """Check that feature statistics (`features/...`) match the corpus.

    Raises:
        UserError: a mean without a scale, another shape, or statistics of images.
    """
    for name, m in corpus.modalities.items():
        arrays = [statistics.get(f"features/{name}/{part}") for part in ("mean", "scale")]
        allowed = ([],) if m.is_image else ([], [m.shape] * 2)
        if [a.shape for a in arrays if a is not None] not in allowed:
            raise UserError(
                f"model: `features/{name}`: not a mean and a scale of shape {m.shape}; "
                "use a model trained on these features"
            )


def ensure_same_tensors(given: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Check that two sets of numpy arrays or torch tensors have the same names, dtypes and shapes.

    Raises:
        UserError: the first that differs.
    """
    for name in sorted({*given, *own}):
        has, needs = (_kind(tensors.get(name)) for tensors in (given, own))
        if has != needs:
            raise UserError(
                f"model: tensor `{name}`: {has}, not {needs}; use the same model settings"
            )


def _kind(tensor: Any) -> str:
    if tensor is None:
        return "none"
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
