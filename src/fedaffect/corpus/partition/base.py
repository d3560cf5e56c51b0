"""What a partition scheme is, and what several of them do."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from heapq import heapify, heapreplace
from typing import Any, ClassVar

import numpy as np

from fedaffect.corpus.batching import rows_of
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.experiment import Partition, Section, validated
from fedaffect.schema import UNLABELLED, ClientData, Floats, Integers

__all__ = [
    "ClientData",
    "Scheme",
    "assign_by_weight",
    "class_proportions",
    "client_name",
    "whole_conversations",
]


class Scheme(ABC):
    """How the training conversations are shared out.

    `takes_number`: `partition.clients` is the number of clients; else the corpus decides.
    """

    class Settings(Section):
        """Keys of the experiment's `[partition]` section beside those that every scheme has."""

    takes_number: ClassVar[bool] = True
    settings: Any  # an instance of the class's own Settings

    def __init__(self, settings: Mapping[str, Any]) -> None:
        name = type(self).__module__.rpartition(".")[2]
        self.settings = validated(self.Settings, settings, f"partition {name}")

    @abstractmethod
    def share_out(
        self, corpus: ConversationCorpus, partition: Partition, random: np.random.Generator
    ) -> list[ClientData]:
        """What each client holds of the training part.

        Args:
            random: keyed by the experiment's seed and the scheme's name.
        """


def whole_conversations(
    corpus: ConversationCorpus, name: str, conversations: Integers
) -> ClientData:
    """A client that learns from every labelled utterance of conversations (indices, increasing)."""
    rows = rows_of(corpus, conversations)
    return ClientData(name, conversations, rows[corpus.label[rows] != UNLABELLED])


def client_name(index: int) -> str:
    return f"client-{index:02d}"


def class_proportions(
    corpus: ConversationCorpus, partition: Partition, random: np.random.Generator
) -> Floats:
    """[clients, classes], each row drawn from Dirichlet(alpha)."""
    classes = len(corpus.classes)
    return random.dirichlet(np.full(classes, partition.alpha), size=partition.clients)


def assign_by_weight(
    corpus: ConversationCorpus, pull: Floats, random: np.random.Generator
) -> list[ClientData]:
    """Conversations that go to clients with probability proportional to Σ_k pull_ik · share of class k.

    Args:
        pull: [clients, classes], positive.
    """
    clients, classes = pull.shape
    hands: list[list[int]] = [[] for _ in range(clients)]
    for conversation in random.permutation(corpus.conversations_in("train")):
        label = corpus.label[corpus.rows(int(conversation))]
        histogram = np.bincount(label[label != UNLABELLED], minlength=classes)
        match = np.clip(pull @ (histogram / max(histogram.sum(), 1)), 1e-12, None)
        hands[random.choice(clients, p=match / match.sum())].append(int(conversation))
    # The largest first, ties by index; who is given one has just that one, and need not give it back.
    givers = [(-len(hand), i) for i, hand in enumerate(hands) if len(hand) > 1]
    heapify(givers)
    for hand in hands:
        if not hand:
            size, giver = givers[0]
            hand.append(hands[giver].pop())
            heapreplace(givers, (size + 1, giver))
    return [
        whole_conversations(corpus, client_name(i), np.array(sorted(hand)))
        for i, hand in enumerate(hands)
    ]
