"""The learner of a client too small for torch: a linear head on what a frozen backbone makes of images."""

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
from fedaffect.learning.head.gradient_steps import Steps
from fedaffect.learning.head.softmax_regression import (
    BIAS,
    WEIGHT,
    log_probabilities,
    loss_and_gradient,
)
from fedaffect.learning.label_balance import LabelBalance
from fedaffect.learning.learner import DivergedError, Fit, FitOptions, GradientCorrection, Outputs
from fedaffect.schema import ClientData, Integers, Tensors

NOT_HERE = ("soft_labels", "focal", "modality_dropout", "contrastive_weight")
"""Settings of training that a head has nothing of."""

Floats = npt.NDArray[np.float32]


class Settings(Section):
    """The experiment's `[model]` section where its name is `head`."""

    backbone: str = Field(description="the ONNX file, as `fedaffect export` writes it")
    sha256: str = Field(
        "",
        pattern="^([0-9a-f]{64})?$",
        description="of that file; a run notes it, and refuses another one ever after",
    )


def settings_of(experiment: Experiment) -> Settings:
    """The head's settings, with the digest of its backbone.

    Raises:
        UserError: settings that it does not have, no such file, or not the one of `model.sha256`.
    """
    chosen = validated(Settings, experiment.model.settings, "model head")
    file = Path(chosen.backbone)
    if not file.is_file():
        cure = "make one with `fedaffect export`"
        if chosen.sha256:  # a run's: another one would not do
            cure = "put it back, or go to where the run was made"
        raise UserError(f"model.backbone: {file}: no such file; {cure}")
    digest = sha256_of(file)
    if chosen.sha256 not in ("", digest):
        raise UserError(
            f"model.backbone: {file}: its SHA-256 is {digest}, not {chosen.sha256}: another backbone, "
            "to which the head does not fit; name the right file"
        )
    return chosen.model_copy(update={"sha256": digest})


class HeadLearner:
    """A `Learner` whose model is softmax(W z + b), z the embedding of an image; it starts from 0.

    An image is embedded when it is first needed, and only then: the backbone never changes. What algorithms
    make of embeddings (prototypes) they make of z. An item without an image has the embedding 0, teaches
    nothing, and every class is as probable.
    """

    Settings = Settings
    settings_of = staticmethod(settings_of)

    def __init__(self, corpus: ConversationCorpus, experiment: Experiment) -> None:
        """
        Raises:
            UserError: a corpus of other images than the backbone reads, or settings that a head lacks.
        """
        self.settings = settings_of(experiment)
        self._training = _ensure_plain(experiment.training)
        self._algorithm = experiment.algorithm.name
        self._backbone = Backbone.read(Path(self.settings.backbone))
        self._modality = _fitting(corpus, self._backbone)
        self._corpus = self._seen = corpus
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
        for name in sorted({*learnt, *self._model}):
            has, needs = (_look(side.get(name)) for side in (learnt, self._model))
            if has != needs:
                raise UserError(f"model: tensor `{name}`: {has}, where this head has {needs}")
        self._model = {name: array.copy() for name, array in learnt.items()}

    @contextmanager
    def using_view(self, view: ConversationCorpus) -> Iterator[None]:
        before, self._seen = self._seen, view
        try:
            yield
        finally:
            self._seen = before

    def fit(self, data: ClientData, options: FitOptions) -> Fit:
        """Minimise the weighted cross entropy.

        What the algorithms of the package add to a loss is of embeddings. These are fixed here, so it is a
        constant, without a gradient, and is not computed.

        Raises:
            UserError: a loss of somebody's own algorithm, which may be of something else; or a teacher, for
                there are no students.
        """
        if options.teacher is not None:
            raise UserError("algorithm.distil_from: server: a head has no students; use `fused`")
        if options.extra_loss is not None and ":" in self._algorithm:
            raise UserError(
                f"algorithm.name: {self._algorithm} has a loss of its own, which a head without torch "
                "cannot follow; use model.name=face_cnn"
            )
        label, classes = self._seen.label[data.supervised], len(self._corpus.classes)
        label_balance = options.label_balance_of(self._training, label, classes)
        useful = np.unique(self._corpus.conversation[data.supervised])
        present = self._seen.present[self._modality]
        learning = [n for n in self._model if options.only is None or n in options.only]
        untouched = set(learning)
        steps = Steps(self._training, options.rate(self._training), options.optimiser)
        wanted = options.steps(self._training, len(useful))
        random = np.random.default_rng(options.seed)
        taken, total, items = 0, 0.0, 0
        while taken < wanted:
            total, items = 0.0, 0
            order = shuffled(useful, self._training.batch_size, random)
            for conversations in islice(order, wanted - taken):
                item = rows_of(self._corpus, conversations)
                item = item[np.isin(item, data.supervised) & present[item]]
                loss, gradient = self._loss(item, label_balance)
                for name in learning:
                    slope = gradient[name] + _corrected(options.correction, name, self._model[name])
                    if slope.any():  # where there was nothing to see, nothing is forgotten either
                        steps.take(name, self._model[name], slope)
                        untouched.discard(name)
                taken += 1
                total, items = total + loss * len(item), items + len(item)
            if not np.isfinite(total):
                raise DivergedError(f"the loss is not finite after {taken} steps")
        keeps = self._training.optimiser_state == "keep"
        state = steps.state if keeps else {}
        return Fit(total / max(items, 1), {}, taken, state, frozenset(untouched))

    def predict(self, conversations: npt.NDArray[np.int64]) -> Outputs:
        item = np.sort(rows_of(self._corpus, conversations))
        z, present = self._embeddings(item), self._seen.present[self._modality][item, None]
        said = np.exp(log_probabilities(z, self._model[WEIGHT], self._model[BIAS]))
        probability = np.where(present, said, np.float32(1 / said.shape[1]))
        return Outputs(item, probability, z, present.astype(np.float32))

    def _loss(self, item: Integers, label_balance: LabelBalance) -> tuple[float, Tensors]:
        """The objective over rows of the corpus, and its gradient by name."""
        training, label = self._training, self._seen.label[item]
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
        present = self._seen.present[self._modality][item]
        fresh = item[present & ~self._embedded[item]]
        images = self._corpus.features[self._modality]
        self._embedding[fresh], _ = self._backbone.embed(images[fresh])
        self._embedded[fresh] = True
        return np.where(present[:, None], self._embedding[item], np.float32(0))


def _ensure_plain(training: Training) -> Training:
    """The settings of training, if a head can follow them."""
    default = Training()
    for name in NOT_HERE:
        if getattr(training, name) != getattr(default, name):
            raise UserError(
                f"training.{name}: a head does not know it; set training.{name}="
                f"{str(getattr(default, name)).lower()}"
            )
    if training.precision == "bfloat16":
        raise UserError("training.precision: a head multiplies in float32; use auto")
    return training


def _fitting(corpus: ConversationCorpus, backbone: Backbone) -> str:
    """The one modality, if it is of the images that the backbone reads."""
    name, *others = corpus.modalities
    m = corpus.modalities[name]
    if others or not m.is_image or m.shape != backbone.shape:
        told = ", ".join(f"{m.name} {m.dtype} {m.shape}" for m in corpus.modalities.values())
        raise UserError(
            f"model.backbone: it reads one modality of uint8 images {backbone.shape}; {corpus.name} has "
            f"{told}: choose it with features.modalities, or take a backbone trained on such"
        )
    return name


def _corrected(correction: GradientCorrection | None, name: str, parameter: Any) -> Any:
    """What a correction adds to a gradient."""
    if correction is None:
        return np.float32(0)
    added = correction.linear.get(name, np.float32(0))
    if name in correction.anchor:
        added = added + np.float32(correction.proximal) * (parameter - correction.anchor[name])
    return added


def _look(array: npt.NDArray[Any] | None) -> str:
    return "none" if array is None else f"{array.dtype} {list(array.shape)}"
