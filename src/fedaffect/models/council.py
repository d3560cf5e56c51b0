"""A council: different models read the same conversation, answer as one and learn from each other.

Ours. The answer is a product of experts (Hinton 2002), the learning that of a teacher made of its own
students (Lan, Zhu, Gong 2018), as in SDT, where students are modalities; here they are whole models.
"""

from collections.abc import Mapping

import torch
from pydantic import Field, field_validator
from torch import nn

from fedaffect.experiment import OpenSection, Section
from fedaffect.models import build, settings_of
from fedaffect.models.batch import DialogueBatch
from fedaffect.models.prediction import Prediction


class Member(OpenSection):
    """A model of this package, by its name, with its own settings."""


class Council(nn.Module):
    """Each member judges by itself; the geometric mean of their probabilities is the answer.

    They are the students of `training.student_weight` and `training.distillation_weight`: with a
    `training.task_weight` of 0 and no distillation, it is a plain ensemble. A member's own students
    keep silent.

    Args:
        modalities: feature width by name, in sorted order.
        roles: number of roles; `roles` itself is the role of padding.
    """

    class Settings(Section):
        members: tuple[Member, ...] = Field(
            (Member(name="mm_dfn"), Member(name="mmtr_style")),
            min_length=2,
            description="models of this package, each with its own settings",
        )

        @field_validator("members")
        @classmethod
        def _of_this_package(cls, members: tuple[Member, ...]) -> tuple[Member, ...]:
            for member in members:
                if member.name == "council" or ":" in member.name:
                    raise ValueError(f"`{member.name}` can be no member")
                settings_of(member.name, member.settings)
            return members

    def __init__(
        self, settings: Settings, *, modalities: Mapping[str, int], roles: int, classes: int
    ) -> None:
        super().__init__()
        self.member = nn.ModuleDict(
            {
                f"{number} {member.name}": build(
                    member.name,
                    member.settings,
                    modalities=modalities,
                    roles=roles,
                    classes=classes,
                )
                for number, member in enumerate(settings.members, start=1)
            }
        )

    def forward(self, batch: DialogueBatch) -> Prediction:
        """Predict every utterance of a batch; see `DialogueBatch` and `Prediction` for shapes."""
        said: dict[str, Prediction] = {name: member(batch) for name, member in self.member.items()}
        opinions = [one.logits.log_softmax(dim=-1) for one in said.values()]
        weights = [one.modality_weights for one in said.values()]
        return Prediction(
            logits=torch.stack(opinions).mean(dim=0),
            students={name: one.logits for name, one in said.items()},
            embedding=torch.cat([one.embedding for one in said.values()], dim=-1),
            embedding_by_modality={},
            modality_weights=torch.stack(weights).mean(dim=0),
        )
