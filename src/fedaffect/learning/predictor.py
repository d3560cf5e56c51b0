"""Predictions of a saved model for any corpus that shares a modality with it."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.learning.build import build_learner
from fedaffect.learning.learner import Learner
from fedaffect.learning.saved import SavedModel, experiment_of, read_config, tensors_of
from fedaffect.schema import UNLABELLED


@dataclass(frozen=True)
class Prediction:
    """Predictions for every row of a corpus, which has the model's modalities and classes.

    Attributes:
        probability: float32 [items, classes].
        modality_weights: float32 [items, modalities]; see `Outputs`.
    """

    corpus: ConversationCorpus
    probability: npt.NDArray[np.float32]
    modality_weights: npt.NDArray[np.float32]


def predict(
    folder: Path,
    corpus: ConversationCorpus,
    member: str,
    device: str,
    allow_code: bool = False,
) -> Prediction:
    """Predict every utterance of `corpus` with one member of a saved model.

    Raises:
        UserError: as `load`.
    """
    learner, matched = load(folder, corpus, member, device, allow_code)
    outputs = learner.predict(np.arange(len(corpus.conversations)))
    return Prediction(matched, outputs.probability, outputs.modality_weights)


def load(
    folder: Path,
    corpus: ConversationCorpus,
    member: str,
    device: str,
    allow_code: bool = False,
) -> tuple[Learner, ConversationCorpus]:
    """A learner with one member of a saved model, and the corpus with the model's modalities and classes.

    A modality that the corpus lacks is absent; one that the model does not know is ignored.

    Raises:
        UserError: a corpus that does not match the model, files that do not match each other, or no such
            device.
    """
    config = read_config(folder, allow_code)
    matched = _matched(corpus, config)
    settings = {**experiment_of(config, member).model_dump(), "device": device, "start": {}}
    # Prediction needs neither an initial model nor votes.
    experiment = Experiment.from_table(settings, "--device").with_settings(
        ["training.soft_labels=false"]
    )
    learner = build_learner(matched, experiment, roles=config.roles)
    learner.set(tensors_of(folder, member))
    return learner, matched


def _matched(corpus: ConversationCorpus, config: SavedModel) -> ConversationCorpus:
    """The corpus with the model's modalities and classes."""
    if not set(config.modalities) & set(corpus.features):
        raise UserError(
            f"{corpus.name}: has {', '.join(corpus.features)}, none of the model's modalities; give a corpus "
            f"with {' or '.join(config.modalities)}"
        )
    features, present = {}, {}
    for name, size in config.modalities.items():
        shape = (size,) if isinstance(size, int) else size
        if name in corpus.features:
            array = corpus.features[name]
            if array.shape[1:] != shape:
                raise UserError(
                    f"{corpus.name}: modality `{name}` has features of shape {array.shape[1:]}, "
                    f"the model was trained on {shape}; extract them in the same way"
                )
            features[name], present[name] = array, corpus.present[name]
        else:
            features[name] = np.zeros((len(corpus), *shape), np.float32)
            present[name] = np.zeros(len(corpus), bool)
    if corpus.roles > config.roles:
        raise UserError(
            f"{corpus.name}: a conversation has {corpus.roles} roles, the model knows {config.roles}; use a "
            "model trained with as many"
        )
    position = {name: index for index, name in enumerate(config.classes)}
    lookup = np.array([position.get(name, UNLABELLED) for name in corpus.classes] + [UNLABELLED])
    return replace(
        corpus,
        features=features,
        present=present,
        classes=config.classes,
        label=lookup[corpus.label],
        votes=None,
    )
