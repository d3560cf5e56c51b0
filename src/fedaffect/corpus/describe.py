"""A corpus in numbers: what `fedaffect data describe` shows."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.schema import SPLITS, UNLABELLED


@dataclass(frozen=True)
class Part:
    """One split. `labels` counts labelled utterances in the order of the corpus's classes."""

    conversations: int
    utterances: int
    persons: int
    labels: tuple[int, ...]
    unlabelled: int


@dataclass(frozen=True)
class Stream:
    """One modality; `present` is the fraction of utterances that have it."""

    shape: tuple[int, ...]
    dtype: str
    present: float


@dataclass(frozen=True)
class Description:
    """Everything countable about a corpus; `lengths` are shortest, median and longest conversation."""

    name: str
    classes: tuple[str, ...]
    utterances: int
    conversations: int
    persons: int
    roles: int
    lengths: tuple[int, float, int]
    splits: dict[str, Part]
    modalities: dict[str, Stream]
    provenance: dict[str, Any]


def describe(corpus: ConversationCorpus) -> Description:
    """Count a sound corpus."""
    lengths = np.bincount(corpus.conversation, minlength=len(corpus.conversations))
    return Description(
        name=corpus.name,
        classes=corpus.classes,
        utterances=len(corpus),
        conversations=len(corpus.conversations),
        persons=len(np.unique(corpus.person)),
        roles=corpus.roles,
        lengths=(int(lengths.min()), float(np.median(lengths)), int(lengths.max())),
        splits={split: _part(corpus, split) for split in SPLITS},
        modalities={
            m.name: Stream(m.shape, m.dtype, float(corpus.present[m.name].mean()))
            for m in corpus.modalities.values()
        },
        provenance=asdict(corpus.provenance),
    )


def _part(corpus: ConversationCorpus, split: str) -> Part:
    rows = corpus.items_in(split)
    label = corpus.label[rows]
    labelled = label[label != UNLABELLED]
    return Part(
        conversations=len(corpus.conversations_in(split)),
        utterances=int(rows.sum()),
        persons=len(np.unique(corpus.person[rows])),
        labels=tuple(np.bincount(labelled, minlength=len(corpus.classes)).tolist()),
        unlabelled=len(label) - len(labelled),
    )
