"""The protocol of whatever learns on one client; torch-free, so that a client without torch can run it."""

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
"""`(prediction, batch, item) -> scalar`, added to a learner's own objective by an algorithm.

`item`, int64 [B, N]: which rows of the corpus the batch is of; in the padding one past its end.
"""


@dataclass(frozen=True)
class GradientCorrection:
    """What an algorithm adds to the gradient of each parameter w: linear + proximal (w - anchor).

    Attributes:
        anchor: the parameters, named `model/...`, that learning is drawn to.
        proximal: how strongly it is drawn.
        linear: in the same shapes; empty = 0.
    """

    anchor: Tensors = field(default_factory=dict)
    proximal: float = 0.0
    linear: Tensors = field(default_factory=dict)


@dataclass(frozen=True)
class FitOptions:
    """How to learn from a share, once.

    Attributes:
        seed: decides batches and dropout.
        balance: what makes up for its mixture of labels; None = by the share's own label counts.
        extra_loss: an algorithm's own term, called on each batch's prediction.
        teacher: probabilities [items of the corpus, classes] to distil from; None = the learner's own.
        correction: an algorithm's own part of every gradient.
        only: the parameters (`model/...`) that learn, the others staying as they are; None = all.
        epochs: instead of the experiment's local epochs.
        completed_fraction: how many of the epochs' steps are taken before it stops, at least one step.
        learning_rate: instead of the experiment's, as its schedule has it.
        optimiser: the state a previous `Fit` returned; None = start afresh.
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
        """What was given, else what the share's own labels, int64 [n], ask for."""
        if self.label_balance is not None:
            return self.label_balance
        return LabelBalance.of(training, np.bincount(label, minlength=classes))

    def rate(self, training: Training) -> float:
        """Adam's or SGD's, of this round."""
        return self.learning_rate or training.learning_rate

    def steps(self, training: Training, conversations: int) -> int:
        """How many optimiser steps are taken on so many conversations."""
        an_epoch = ceil(conversations / training.batch_size)
        return ceil(self.completed_fraction * (self.epochs or training.local_epochs) * an_epoch)


@dataclass(frozen=True)
class Fit:
    """What came of one call of `fit`.

    Attributes:
        loss: mean objective over the last epoch's utterances.
        parts: the same for each part of the objective, by name.
        steps: optimiser steps taken.
        optimiser: the optimiser's state, named `optimiser/...`, to continue from.
        untouched: parameters that no data reached, as an encoder of a modality that the client lacks.
    """

    loss: float
    parts: Mapping[str, float]
    steps: int
    optimiser: Tensors = field(default_factory=dict)
    untouched: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Outputs:
    """Predictions for rows of a corpus, in evaluation mode.

    Attributes:
        item: int64 [n], rows of the corpus.
        probability: float32 [n, classes].
        embedding: float32 [n, embedding_dim], what prototypes are means of.
        embedding_by_modality: the same by modality; means nothing where it is absent.
        modality_weights: float32 [n, modalities], each row sums to 1 over the modalities present.
    """

    item: npt.NDArray[np.int64]
    probability: npt.NDArray[np.float32]
    embedding: npt.NDArray[np.float32]
    modality_weights: npt.NDArray[np.float32]
    embedding_by_modality: Mapping[str, npt.NDArray[np.float32]] = field(default_factory=dict)


class DivergedError(RuntimeError):
    """Learning left the finite numbers; the client reports it instead of sending an update."""


class Learner(Protocol):
    """What learns on one client: a torch trainer, a head in numpy on a frozen backbone, or a forest."""

    @property
    def embedding_dim(self) -> int:
        """Length of an embedding, and so of a prototype."""

    def get(self) -> Tensors:
        """Copies of the learnt tensors, named `model/...`."""

    def set(self, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        """Load learnt tensors (`model/...`) and feature statistics (`features/...`).

        Raises:
            UserError: a name, shape or dtype that this learner does not have.
        """

    def using_view(self, view: "ConversationCorpus") -> AbstractContextManager[None]:
        """While it lasts, learn from and predict for the corpus as somebody has it; see `ClientData.view`."""

    def fit(self, data: ClientData, options: FitOptions) -> Fit:
        """Learn from a share for the experiment's local epochs, starting from what `set` loaded."""

    def predict(self, conversations: npt.NDArray[np.int64]) -> Outputs:
        """Outputs for every utterance of the conversations, in row order."""


def ensure_fitting(
    statistics: Mapping[str, npt.NDArray[Any]], corpus: "ConversationCorpus"
) -> None:
    """See that feature statistics (`features/...`) are whole and of these modalities.

    Raises:
        UserError: a modality with a mean and no scale, or of another shape; or statistics of an image.
    """
    for name, m in corpus.modalities.items():
        given = [statistics.get(f"features/{name}/{part}") for part in ("mean", "scale")]
        fitting = ([],) if m.is_image else ([], [m.shape] * 2)
        if [a.shape for a in given if a is not None] not in fitting:
            raise UserError(
                f"model: `features/{name}`: not a mean and a scale of shape {m.shape}; "
                "was it trained on other features?"
            )
