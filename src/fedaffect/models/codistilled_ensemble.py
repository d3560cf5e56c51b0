"""A co-distilled ensemble: models that read the same conversation, answer as one, learn from each other.

Ours. The answer is a product of experts (Hinton 2002), the learning that of a teacher made of its own
students (Lan, Zhu, Gong 2018), as in SDT, where students are modalities; here they are whole models.
"""

from collections.abc import Mapping
from dataclasses import replace

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from fedaffect.experiment import OpenSection, Section
from fedaffect.models import build, settings_of
from fedaffect.models.base import DialogueBatch, Prediction


class Member(OpenSection):
    """A model of this package, by its name, with its own settings."""

    reads: tuple[str, ...] = Field(
        (), description="which modalities, by name or how it begins; all where there is no such one"
    )

    def chosen(self, modalities: Mapping[str, int]) -> list[str]:
        """The modalities that it reads of those given, in their order."""
        return [m for m in modalities if m.startswith(self.reads)] or list(modalities)


class CodistilledEnsemble(nn.Module):
    """Each member judges by itself; the geometric mean of their probabilities is the answer.

    They are the students of `training.student_weight` and `training.distillation_weight`: with a
    `training.task_weight` of 0 and no distillation, it is a plain ensemble. A member's own students
    keep silent. Members that do not read everything differ more, and hold when a modality deceives.

    Args:
        modalities: feature width by name, in sorted order.
        roles: number of roles; `roles` itself is the role of padding.
    """

    class Settings(Section):
        members: tuple[Member, ...] = Field(
            (
                Member.model_validate({"name": "mm_dfn", "layers": 4, "context_layers": 1}),
                Member(name="mmtr_style"),
                Member(name="mmtr_style", reads=("audio", "text")),
                Member(name="mmtr_style", reads=("text",)),
            ),
            min_length=2,
            description="models of this package, each with its own settings; how the default's were "
            "chosen: docs/results/codistilled-ensemble.md",
        )

        @field_validator("members")
        @classmethod
        def _of_this_package(cls, members: tuple[Member, ...]) -> tuple[Member, ...]:
            for member in members:
                if member.name == "codistilled_ensemble" or ":" in member.name:
                    raise ValueError(f"`{member.name}` can be no member")
                settings_of(member.name, member.settings)
            return members

    def __init__(
        self, settings: Settings, *, modalities: Mapping[str, int], roles: int, classes: int
    ) -> None:
        super().__init__()
        self.modalities = tuple(modalities)
        self.reads: dict[str, list[str]] = {}
        self.member = nn.ModuleDict()
        for number, member in enumerate(settings.members, start=1):
            name = f"{number} {member.name}"
            self.reads[name] = read = member.chosen(modalities)
            self.member[name] = build(
                member.name,
                member.settings,
                modalities={m: modalities[m] for m in read},
                roles=roles,
                classes=classes,
            )

    def forward(self, batch: DialogueBatch) -> Prediction:
        """Predict every utterance of a batch; see `DialogueBatch` and `Prediction` for shapes."""
        said = {name: member(self._seen(name, batch)) for name, member in self.member.items()}
        opinions = [one.logits.log_softmax(dim=-1) for one in said.values()]
        weights = [self._among_all(name, one.modality_weights) for name, one in said.items()]
        return Prediction(
            logits=torch.stack(opinions).mean(dim=0),
            students={name: one.logits for name, one in said.items()},
            embedding=torch.cat([one.embedding for one in said.values()], dim=-1),
            embedding_by_modality={},
            modality_weights=_shares(torch.stack(weights).sum(dim=0)),
        )

    def _seen(self, name: str, batch: DialogueBatch) -> DialogueBatch:
        """What a member sees of a batch."""
        return replace(
            batch,
            features={m: batch.features[m] for m in self.reads[name]},
            present={m: batch.present[m] for m in self.reads[name]},
        )

    def _among_all(self, name: str, weights: Tensor) -> Tensor:
        """A member's modality weights [B, N, its modalities] as [B, N, M]."""
        place = [self.modalities.index(m) for m in self.reads[name]]
        found = weights.new_zeros(*weights.shape[:-1], len(self.modalities))
        found[..., place] = weights
        return found


def _shares(weights: Tensor) -> Tensor:
    """Scaled to a sum of 1, but where all are 0."""
    total = weights.sum(dim=-1, keepdim=True)
    return weights / total.where(total > 0, 1)
