"""Models of conversations: one file a model, found by its name.

A model is a `torch.nn.Module` with a nested `Settings` (its own keys of the experiment's `[model]`), the
constructor `Model(settings, *, modalities, roles, classes)` and `forward(DialogueBatch) -> Prediction`.
It reads vectors; one that says `reads_images = True` is given other shapes too.
"""

from collections.abc import Mapping
from typing import Any

from torch import nn

from fedaffect import registry
from fedaffect.errors import UserError
from fedaffect.experiment import Section, validated
from fedaffect.schema import Size


def build(
    name: str,
    settings: Mapping[str, Any],
    *,
    modalities: Mapping[str, Size],
    roles: int,
    classes: int,
) -> nn.Module:
    """The model called `name`, with fresh parameters from torch's current generator.

    Args:
        name: a module of this package (`sdt`), or `package.module:Class` of your own.
        settings: the model's own keys of the experiment.
        modalities: by name, sorted: the width of a vector, the shape of anything else.
        roles: how many roles a conversation has at most.

    Raises:
        UserError: no such model, a setting it does not have, or a modality that it cannot carry or read.
    """
    chosen, model = settings_of(name, settings), _find(name)
    for modality, size in modalities.items():
        if not isinstance(size, int) and not reads_images(name):
            raise UserError(
                f"modality `{modality}`: {name} reads vectors, not {size}; name a model of images, or "
                "choose among the others with features.modalities"
            )
        if not _nameable(modality):
            raise UserError(
                f"model: a modality cannot be called `{modality}`: rename it in the corpus"
            )
    return model(chosen, modalities=modalities, roles=roles, classes=classes)


def settings_of(name: str, settings: Mapping[str, Any]) -> Section:
    """A model's own settings, its defaults filled in.

    Raises:
        UserError: no such model, or a setting it does not have.
    """
    return validated(schema_of(name), settings, "model")


def schema_of(name: str) -> type[Section]:
    """The class of a model's own settings.

    Raises:
        UserError: no such model.
    """
    schema: type[Section] = _find(name).Settings  # type: ignore[attr-defined]
    return schema


def reads_images(name: str) -> bool:
    """Whether a model is for modalities that are no vectors.

    Raises:
        UserError: no such model.
    """
    return bool(getattr(_find(name), "reads_images", False))


def is_network(name: str) -> bool:
    """Whether a model is a torch module, and not a learner by itself as a forest is."""
    return issubclass(registry.find("model", name), nn.Module)


def _nameable(modality: str) -> bool:
    """Whether parameters can be named after it: `encoder/text->audio/...`."""
    taken = hasattr(nn.ModuleDict(), modality)
    return bool(modality) and not taken and not any(s in modality for s in (".", "/", "->"))


def _find(name: str) -> type[nn.Module]:
    found = registry.find("model", name)
    settings: object = getattr(found, "Settings", None)
    if not (issubclass(found, nn.Module) and isinstance(settings, type)):
        raise UserError(f"model.name: `{name}` is no torch module with nested Settings; name one")
    return found
