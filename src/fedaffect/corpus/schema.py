"""What a corpus is: items with features by modality, labels, persons, splits and provenance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Literal, Self

import numpy as np

from fedaffect.errors import UserError
from fedaffect.schema import SPLITS, Array, Flags, Integers, Modality, Schema, Target

Pairing = Literal["recorded", "label-matched"]


@dataclass(frozen=True)
class Provenance:
    """Where a corpus came from.

    `pairing`: `recorded` where all modalities of an item were recorded together, `label-matched`
    where they were put together by label and no fused number may be read as a real one.
    """

    source: str
    sha256: str
    reader: str
    synthetic: bool = False
    pairing: Pairing = "recorded"


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Items: whatever gets a label (an utterance, a face, a window of 30 s).

    Attributes:
        features: by modality, [items, *shape]; names are sorted once, here.
        present: by modality, bool [items]; False = the modality is missing for that item.
        label: [items], index into `classes`, or `UNLABELLED`.
        person: [items], index into `persons`. For partitions and audits; never seen by a model.
        split: [items], index into `SPLITS`.
        votes: [items, classes], how many people saw which class; a row of zeros where nobody was asked. None
            where the corpus does not tell.
    """

    name: str
    classes: tuple[str, ...]
    features: Mapping[str, Array]
    present: Mapping[str, Flags]
    label: Integers
    person: Integers
    persons: tuple[str, ...]
    split: Integers
    provenance: Provenance
    votes: Array | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", dict(sorted(self.features.items())))
        object.__setattr__(self, "present", dict(sorted(self.present.items())))

    def __len__(self) -> int:
        return len(self.label)

    @property
    def modalities(self) -> dict[str, Modality]:
        return {m: Modality(m, a.shape[1:], str(a.dtype)) for m, a in self.features.items()}

    @property
    def schema(self) -> Schema:
        """What is learnt from these items, and from what."""
        return Schema((Target("emotion", "classes", self.classes),), self.modalities)

    def items_in(self, split: str) -> Flags:
        """bool [items]: which items belong to `train`, `dev` or `test`."""
        return np.equal(self.split, SPLITS.index(split))

    def with_modalities(self, names: tuple[str, ...]) -> Self:
        """The same items seen through fewer modalities.

        Raises:
            UserError: a modality that this corpus lacks.
        """
        for name in names:
            if name not in self.features:
                raise UserError(
                    f"{self.name}: no modality `{name}`; it has: {', '.join(self.features)}"
                )
        return replace(
            self,
            features={m: self.features[m] for m in names},
            present={m: self.present[m] for m in names},
        )


@dataclass(frozen=True, kw_only=True)
class ConversationCorpus(Corpus):
    """Items are utterances, kept in the order (conversation, turn): a conversation is a run of rows.

    Attributes:
        conversation: [items], index into `conversations`; never decreasing.
        turn: [items], increasing inside a conversation.
        role: [items], who speaks *inside this conversation*, 0..roles-1. Models see it.
    """

    conversation: Integers
    conversations: tuple[str, ...]
    turn: Integers
    role: Integers
    _starts: Integers = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        starts = np.searchsorted(self.conversation, np.arange(len(self.conversations) + 1))
        object.__setattr__(self, "_starts", starts)

    @property
    def roles(self) -> int:
        return int(self.role.max()) + 1 if len(self) else 0

    def rows(self, conversation: int) -> slice:
        """The rows of one conversation, in turn order."""
        return slice(int(self._starts[conversation]), int(self._starts[conversation + 1]))

    def conversations_in(self, split: str) -> Integers:
        """Indices of the conversations of a split, increasing."""
        return np.unique(self.conversation[self.items_in(split)])


def as_conversations(corpus: Corpus, names: Sequence[str]) -> ConversationCorpus:
    """Items without a conversation, each as a conversation of one utterance: a face, a window of 30 s.

    So whatever works on conversations works on them.

    Args:
        names: of the conversations, one an item.
    """
    zeros = np.zeros(len(corpus), np.int64)
    return ConversationCorpus(
        **{column.name: getattr(corpus, column.name) for column in fields(Corpus)},
        conversation=np.arange(len(corpus)),
        conversations=tuple(names),
        turn=zeros,
        role=zeros,
    )
