"""The learner of clients without torch: a linear head on the embeddings of a frozen backbone."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from fedaffect.corpus.batching import rows_of, shuffled
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.corpus.store import sha256_of
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment, Section, Training, validated
from fedaffect.inference.backbone import Backbone
from fedaffect.learning.head.gradient_steps import NumpyOptimiser
from fedaffect.learning.head.softmax_regression import (
    BIAS,
    WEIGHT,
    Floats,
    log_probabilities,
    loss_and_gradient,
)
from fedaffect.learning.label_balance import LabelBalance
from fedaffect.learning.learner import (
    DivergedError,
    Fit,
    FitOptions,
    GradientCorrection,
    Outputs,
    ensure_same_tensors,
)
from fedaffect.schema import ClientData, Integers, Tensors

UNSUPPORTED = ("soft_labels", "focal", "modality_dropout", "contrastive_weight")
"""Settings of training that a head does not support."""


class Settings(Section):
    """The experiment's `[model]` section with `name = "head"`."""

    backbone: str = Field(description="the ONNX file, as `fedaffect export` writes it")
    sha256: str = Field(
        "",
        pattern="^([0-9a-f]{64})?$",
        description="of that file; a run notes it, and refuses another one ever after",
    )


def settings_of(experiment: Experiment) -> Settings:
    """The head's settings, with the digest of its backbone.

    Raises:
        UserError: unknown settings, no such file, or a file other than `model.sha256`.
    """
    chosen = validated(Settings, experiment.model.settings, "model head")
    file = Path(chosen.backbone)
    if not file.is_file():
        cure = "make one with `fedaffect export`"
        if chosen.sha256:  # of a run that needs this very file
            cure = "put it back, or run in the folder where training ran"
        raise UserError(f"model.backbone: {file}: no such file; {cure}")
    digest = sha256_of(file)
    if chosen.sha256 not in ("", digest):
        raise UserError(
            f"model.backbone: {file}: its SHA-256 is {digest}, not {chosen.sha256}: another backbone "
            "than the head's; name the right file"
        )
    return chosen.model_copy(update={"sha256": digest})


class HeadLearner:
    """A `Learner` whose model is softmax(W z + b), with z the embedding of an image and W, b initially 0.

    The backbone never changes, so each image is embedded once, when first needed. An item without an image
    has the embedding 0 and uniform probabilities, and is not learnt from.
    """

    Settings = Settings
    settings_of = staticmethod(settings_of)

    def __init__(self, corpus: ConversationCorpus, experiment: Experiment) -> None:
        """
        Raises:
            UserError: a corpus without the images that the backbone reads, or unsupported settings.
        """
        self.settings = settings_of(experiment)
        self._training = _ensure_supported(experiment.training)
        self._algorithm = experiment.algorithm.name
        self._backbone = Backbone.read(Path(self.settings.backbone))
        self._modality = _image_modality(corpus, self._backbone)
        self._corpus = self._view = corpus
        self._embedding = np.zeros((len(corpus), self.embedding_dim), np.float32)
        self._embedded = np.zeros(len(corpus), bool)
        self._model: Tensors = {
            WEIGHT: np.zeros((len(corpus.classes), self.embedding_dim), np.float32),
            BIAS: np.zeros(len(corpus.classes), np.float32),
        }

    @property
    def embedding_dim(self) -> int:
        return self._backbone.embedding_dim

    def get(self) -> Tensors:
        return {name: array.copy() for name, array in self._model.items()}

    def set(self, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        learnt = {n: a for n, a in tensors.items() if not n.startswith("features/")}
        if not learnt:
            return
        ensure_same_tensors(learnt, self._model)
        self._model = {name: array.copy() for name, array in learnt.items()}

    @contextmanager
    def using_view(self, view: ConversationCorpus) -> Iterator[None]:
        before, self._view = self._view, view
        try:
            yield
        finally:
            self._view = before

    def fit(self, data: ClientData, options: FitOptions) -> Fit:
        """Minimise the weighted cross entropy.

        Extra losses of this package's algorithms depend on embeddings alone, which are constant here, so they
        are not computed.

        Raises:
            UserError: an extra loss of an algorithm outside this package, or a teacher.
        """
        if options.teacher is not None:
            raise UserError("algorithm.distil_from: a head has no students; set it to fused")
        if options.extra_loss is not None and ":" in self._algorithm:
            raise UserError(
                f"algorithm.name: {self._algorithm} has a loss of its own, which a head cannot "
                "minimise without torch; set model.name=face_cnn"
            )
        label, classes = self._view.label[data.supervised], len(self._corpus.classes)
        label_balance = options.label_balance_of(self._training, label, classes)
        useful = np.unique(self._corpus.conversation[data.supervised])
        present = self._view.present[self._modality]
        learning = [n for n in self._model if options.only is None or n in options.only]
        untouched = set(learning)
        rate = options.rate(self._training)
        optimiser = NumpyOptimiser(self._training, rate, options.optimiser)
        wanted = options.steps(self._training, len(useful))
        random = np.random.default_rng(options.seed)
        steps, total, items = 0, 0.0, 0
        while steps < wanted:
            total, items = 0.0, 0
            order = shuffled(useful, self._training.batch_size, random)
            for conversations in islice(order, wanted - steps):
                item = rows_of(self._corpus, conversations)
                item = item[np.isin(item, data.supervised) & present[item]]
                loss, gradient = self._loss(item, label_balance)
                for name in learning:
                    added = _correction(options.correction, name, self._model[name])
                    corrected = gradient[name] + added
                    if corrected.any():  # no step, and so no weight decay, without data
                        optimiser.step(name, self._model[name], corrected)
                        untouched.discard(name)
                steps += 1
                total, items = total + loss * len(item), items + len(item)
            if not np.isfinite(total):
                raise DivergedError(f"the loss is not finite after {steps} steps")
        state = optimiser.state if self._training.optimiser_state == "keep" else {}
        return Fit(total / max(items, 1), {}, steps, state, frozenset(untouched))

    def predict(self, conversations: npt.NDArray[np.int64]) -> Outputs:
        item = np.sort(rows_of(self._corpus, conversations))
        z, present = self._embeddings(item), self._view.present[self._modality][item, None]
        predicted = np.exp(log_probabilities(z, self._model[WEIGHT], self._model[BIAS]))
        probability = np.where(present, predicted, np.float32(1 / predicted.shape[1]))
        return Outputs(item, probability, z, present.astype(np.float32))

    def _loss(self, item: Integers, label_balance: LabelBalance) -> tuple[float, Tensors]:
        """The loss over rows of the corpus, and its gradient by name."""
        training, label = self._training, self._view.label[item]
        loss, of_weight, of_bias = loss_and_gradient(
            self._embeddings(item),
            label,
            self._model[WEIGHT],
            self._model[BIAS],
            label_balance,
            training.label_smoothing,
        )
        factor = np.float32(training.task_weight)
        return training.task_weight * loss, {WEIGHT: factor * of_weight, BIAS: factor * of_bias}

    def _embeddings(self, item: Integers) -> Floats:
        """float32 [n, embedding_dim]; 0 where the image is absent."""
        present = self._view.present[self._modality][item]
        new = item[present & ~self._embedded[item]]
        images = self._corpus.features[self._modality]
        self._embedding[new], _ = self._backbone.embed(images[new])
        self._embedded[new] = True
        return np.where(present[:, None], self._embedding[item], np.float32(0))


def _ensure_supported(training: Training) -> Training:
    """The settings of training, if a head supports them."""
    default = Training()
    for name in UNSUPPORTED:
        if getattr(training, name) != getattr(default, name):
            raise UserError(
                f"training.{name}: a head does not support it; set training.{name}="
                f"{str(getattr(default, name)).lower()}"
            )
    if training.precision == "bfloat16":
        raise UserError("training.precision: a head computes in float32; set it to auto")
    return training


def _image_modality(corpus: ConversationCorpus, backbone: Backbone) -> str:
    """The name of the only modality, if it has the images that the backbone reads."""
    name, *others = corpus.modalities
    m = corpus.modalities[name]
    if others or not m.is_image or m.shape != backbone.shape:
        given = ", ".join(f"{m.name} {m.dtype} {m.shape}" for m in corpus.modalities.values())
        raise UserError(
            f"model.backbone: it reads one modality of uint8 images {backbone.shape}; {corpus.name} has "
            f"{given}; choose it with features.modalities, or name another backbone"
        )
    return name


def _correction(correction: GradientCorrection | None, name: str, parameter: Any) -> Any:
    """What is added to the gradient of a parameter."""
    if correction is None:
        return np.float32(0)
    added = correction.linear.get(name, np.float32(0))
    if name in correction.anchor:
        added = added + np.float32(correction.proximal) * (parameter - correction.anchor[name])
    return added
