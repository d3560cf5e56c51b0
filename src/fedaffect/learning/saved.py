"""A trained model as a folder: what it is in JSON, its tensors in safetensors, and a card to read."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from pydantic import Field

from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment, Section, validated, with_new_names
from fedaffect.learning.build import build_learner
from fedaffect.learning.learner import Learner
from fedaffect.learning.tensor_file import read_tensors, write_tensors
from fedaffect.schema import UNLABELLED, Size, Tensors

CONFIG = "config.json"


class SavedModel(Section):
    """`config.json`: all that is needed to build the model again and to refuse what it cannot read.

    Attributes:
        members: names of the tensors files: `model`, or one a client.
        modalities: by name, the width of a vector, the shape of anything else.
        reader: how what it learnt from was read; empty in models of before that was noted.
    """

    format: str = Field("fedaffect model 1", pattern="^fedaffect model 1$")
    experiment: Experiment
    classes: tuple[str, ...]
    modalities: dict[str, Size]
    roles: int = Field(ge=1, le=1000)
    reader: str = ""
    members: tuple[str, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Prediction:
    """What a model says of a corpus, row by row; see `Outputs`."""

    corpus: ConversationCorpus
    probability: Any
    modality_weights: Any


def save(
    folder: Path,
    experiment: Experiment,
    corpus: ConversationCorpus,
    models: Iterable[tuple[str, Tensors]],
    card: str,
) -> None:
    """Write models (member names and tensors, feature statistics included) as a model folder."""
    folder.mkdir(parents=True, exist_ok=True)
    members = []
    for member, tensors in models:
        write_tensors(file_of(folder, member), tensors)
        members.append(member)
    config = SavedModel(
        experiment=experiment,
        classes=corpus.classes,
        modalities={m.name: m.size for m in corpus.modalities.values()},
        roles=corpus.roles,
        reader=corpus.provenance.reader,
        members=tuple(members),
    )
    (folder / CONFIG).write_text(config.model_dump_json(indent=2), encoding="utf-8")
    (folder / "README.md").write_text(card, encoding="utf-8")


def read_config(folder: Path, allow_code: bool = False) -> SavedModel:
    """The description of a saved model.

    Args:
        allow_code: whether the folder may name a model outside this package, to be imported.

    Raises:
        UserError: no model there, one that this version cannot read, or code that is not allowed.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise UserError(f"{folder}: no trained model here; has the run finished?")
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: not valid JSON: {error}") from None
    if isinstance(table, dict) and isinstance(table.get("experiment"), dict):
        table["experiment"] = with_new_names(table["experiment"], quiet=True)
    config = validated(SavedModel, table, str(path))
    if ":" in config.experiment.model.name and not allow_code:
        raise UserError(
            f"{path}: experiment.model.name: `{config.experiment.model.name}` would import code that a "
            "folder names; give --allow-code if you trust it"
        )
    return config


def predict(
    folder: Path,
    corpus: ConversationCorpus,
    member: str,
    device: str,
    allow_code: bool = False,
) -> Prediction:
    """Every utterance of `corpus` through one member of a saved model.

    Raises:
        UserError: as `load`.
    """
    learner, fitting = load(folder, corpus, member, device, allow_code)
    outputs = learner.predict(np.arange(len(corpus.conversations)))
    return Prediction(fitting, outputs.probability, outputs.modality_weights)


def load(
    folder: Path,
    corpus: ConversationCorpus,
    member: str,
    device: str,
    allow_code: bool = False,
) -> tuple[Learner, ConversationCorpus]:
    """One member of a saved model, ready to predict, and the corpus as it sees it.

    A modality that the corpus lacks counts as missing; one that the model does not know is ignored.

    Raises:
        UserError: the corpus does not fit the model, the model's files do not fit each other, or there
            is no such device.
    """
    config = read_config(folder, allow_code)
    fitting = _fit(corpus, config)
    given = {**experiment_of(config, member).model_dump(), "device": device, "start": {}}
    # Nothing is learnt, so that neither where it started nor anybody's votes are needed.
    experiment = Experiment.from_table(given, "--device").with_settings(
        ["training.soft_labels=false"]
    )
    learner = build_learner(fitting, experiment, roles=config.roles)
    learner.set(tensors_of(folder, member))
    return learner, fitting


def experiment_of(config: SavedModel, member: str) -> Experiment:
    """The experiment as the client of a member knows it, with the settings of its kind."""
    experiment, variants = config.experiment, config.experiment.clients.variants
    if not variants:
        return experiment
    return experiment.with_settings(variants[config.members.index(member) % len(variants)])


def tensors_of(folder: Path, member: str) -> Tensors:
    """The tensors of a member.

    Raises:
        UserError: missing or damaged.
    """
    return read_tensors(file_of(folder, member), "train the run again, or restore the file")


def file_of(folder: Path, member: str) -> Path:
    """Where the tensors of a member lie: it may be named after a person, so its name is no path."""
    return folder / f"{quote(member, safe='')}.safetensors"


def _fit(corpus: ConversationCorpus, config: SavedModel) -> ConversationCorpus:
    """The corpus as the model sees it: its modalities, its classes."""
    shared = [m for m in config.modalities if m in corpus.features]
    if not shared:
        raise UserError(
            f"{corpus.name}: shares no modality with the model, which reads "
            f"{', '.join(config.modalities)}; the corpus has {', '.join(corpus.features)}"
        )
    features, present = {}, {}
    for name, size in config.modalities.items():
        shape = (size,) if isinstance(size, int) else size
        if name in shared:
            given = corpus.features[name]
            if given.shape[1:] != shape:
                raise UserError(
                    f"{corpus.name}: modality `{name}` has features of shape {given.shape[1:]}, "
                    f"the model was trained on {shape}; extract them in the same way"
                )
            features[name], present[name] = given, corpus.present[name]
        else:
            features[name] = np.zeros((len(corpus), *shape), np.float32)
            present[name] = np.zeros(len(corpus), bool)
    if corpus.roles > config.roles:
        raise UserError(
            f"{corpus.name}: a conversation has {corpus.roles} roles, the model knows {config.roles}"
        )
    known = {name: index for index, name in enumerate(config.classes)}
    lookup = np.array([known.get(name, UNLABELLED) for name in corpus.classes] + [UNLABELLED])
    return replace(
        corpus,
        features=features,
        present=present,
        classes=config.classes,
        label=lookup[corpus.label],
        votes=None,
    )
