"""Sharing out the training conversations of a corpus among clients: one file a scheme, found by its name.

The unit of context is the conversation, so it is never cut: where a client may learn only from some
utterances (its own, or those of its classes), the others stay as unsupervised context.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fedaffect import registry
from fedaffect.corpus.partition.base import Scheme, whole_conversations
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.experiment import Partition
from fedaffect.randomness import generator
from fedaffect.schema import ClientData, Integers


def find_scheme(settings: Partition) -> Scheme:
    """The scheme that an experiment's `[partition]` names, with its settings.

    Raises:
        UserError: no such scheme, or settings that it does not have.
    """
    scheme: Scheme = registry.find("partition", settings.name)(settings.settings)
    return scheme


def partition(corpus: ConversationCorpus, settings: Partition, seed: int) -> list[ClientData]:
    """Share out the training part; every client holds at least one conversation.

    Raises:
        UserError: no such scheme, or more clients than conversations (or none to train on).
    """
    scheme, available = find_scheme(settings), len(corpus.conversations_in("train"))
    if scheme.takes_number and settings.clients > available:
        raise UserError(
            f"{corpus.name}: partition.clients: {settings.clients} clients cannot share "
            f"{available} training conversations; set partition.clients to at most {available}"
        )
    random = generator(seed, "partition", settings.name)
    dealt = scheme.share_out(corpus, settings, random)
    if not settings.shots:
        return dealt
    random = generator(seed, "shots", settings.name)
    return [_with_shots(corpus, data, settings.shots, random) for data in dealt]


def all_in_one_client(corpus: ConversationCorpus) -> list[ClientData]:
    """One client that holds the whole training part: what *centralised* means."""
    return [whole_conversations(corpus, "pooled", corpus.conversations_in("train"))]


def labels_per_client(corpus: ConversationCorpus, clients: Sequence[ClientData]) -> Integers:
    """[clients, classes]: how many supervised utterances of each class a client holds, in truth."""
    classes = len(corpus.classes)
    return np.stack([np.bincount(corpus.label[c.supervised], minlength=classes) for c in clients])


def _with_shots(
    corpus: ConversationCorpus, data: ClientData, shots: int, random: np.random.Generator
) -> ClientData:
    """The same conversations, but labels of at most `shots` utterances a class; the others are context."""
    rows = random.permutation(data.supervised)
    label = corpus.label[rows]
    chosen = [rows[label == k][:shots] for k in np.unique(label)]
    return replace(data, supervised=np.sort(np.concatenate([rows[:0], *chosen])))
