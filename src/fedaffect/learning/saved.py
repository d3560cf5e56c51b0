"""A trained model as a folder: its description in JSON, its tensors in safetensors, and a model card."""

import json
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from pydantic import Field

from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment, Section, validated, with_new_names
from fedaffect.learning.tensor_file import read_tensors, write_tensors
from fedaffect.schema import Size, Tensors

CONFIG = "config.json"


class SavedModel(Section):
    """`config.json`: everything needed to build the model again, and to refuse data that it cannot read.

    Attributes:
        members: names of the tensor files: `model`, or the name of each client with a model of its own.
        modalities: by name, the width of a vector, the shape of anything else.
        reader: of the training corpus; empty in models saved before it was recorded.
    """

    format: str = Field("fedaffect model 1", pattern="^fedaffect model 1$")
    experiment: Experiment
    classes: tuple[str, ...]
    modalities: dict[str, Size]
    roles: int = Field(ge=1, le=1000)
    reader: str = ""
    members: tuple[str, ...] = Field(min_length=1)


def save(
    folder: Path,
    experiment: Experiment,
    corpus: ConversationCorpus,
    models: Iterable[tuple[str, Tensors]],
    card: str,
) -> None:
    """Write models as a model folder.

    Args:
        models: member names and tensors, feature statistics included.
        card: the text of README.md.
    """
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
        allow_code: whether to import a model class outside this package that the folder names.

    Raises:
        UserError: no model there, one that this version cannot read, or a class that is not allowed.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise UserError(f"{folder}: no trained model here; name a finished run")
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: not valid JSON: {error}; train the run again") from None
    if isinstance(table, dict) and isinstance(table.get("experiment"), dict):
        table["experiment"] = with_new_names(table["experiment"], quiet=True)
    config = validated(SavedModel, table, str(path))
    if ":" in config.experiment.model.name and not allow_code:
        raise UserError(
            f"{path}: experiment.model.name: `{config.experiment.model.name}` is code outside "
            "fedaffect; give --allow-code if you trust it"
        )
    return config


def experiment_of(config: SavedModel, member: str) -> Experiment:
    """The experiment of a member's client, with the settings of its client variant."""
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
    """The tensor file of a member; its name is quoted, since it may be a person's."""
    return folder / f"{quote(member, safe='')}.safetensors"
