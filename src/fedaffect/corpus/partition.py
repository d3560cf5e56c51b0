"""Sharing out the training conversations of a corpus among clients.

The unit of context is the conversation, so it is never cut: where a client may learn only from some
utterances (its own, or those of its classes), the others stay as unsupervised context.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heapify, heapreplace

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.batching import rows_of
from fedaffect.corpus.schema import UNLABELLED, ConversationCorpus, Flags, Integers
from fedaffect.errors import UserError
from fedaffect.experiment import Partition
from fedaffect.randomness import generator

Floats = npt.NDArray[np.float64]
NATURAL = ("person", "session")
"""Partitions that the corpus decides; they take no number of clients."""


@dataclass(frozen=True)
class ClientData:
    """What one client holds.

    Attributes:
        conversations: indices of the conversations it holds whole, increasing.
        supervised: rows of the corpus whose labels it learns from, increasing.
        hidden: by modality, bool [items of the corpus], what it has nothing of: of dev and test too.
        label: int64 [supervised], what it takes these utterances for; None = for what they are.
    """

    name: str
    conversations: Integers
    supervised: Integers
    hidden: Mapping[str, Flags] = field(default_factory=dict)
    label: Integers | None = None

    @property
    def volume(self) -> int:
        """Supervised utterances."""
        return len(self.supervised)

    @property
    def lacking(self) -> tuple[str, ...]:
        """The modalities of which it has nothing at all."""
        return tuple(sorted(m for m, rows in self.hidden.items() if rows.all()))

    def view(self, corpus: ConversationCorpus) -> ConversationCorpus:
        """The corpus as this client has it; itself where nothing is hidden and no label is its own.

        With labels of its own it has no votes, which would tell the true ones.
        """
        if not self.hidden and self.label is None:
            return corpus
        present = {
            m: p & ~self.hidden[m] if m in self.hidden else p for m, p in corpus.present.items()
        }
        if self.label is None:
            return replace(corpus, present=present)
        label = corpus.label.copy()
        label[self.supervised] = self.label
        return replace(corpus, present=present, label=label, votes=None)


def pooled(corpus: ConversationCorpus) -> list[ClientData]:
    """One client that holds the whole training part: what *centralised* means."""
    return [_share(corpus, "pooled", corpus.conversations_in("train"))]


def partition(corpus: ConversationCorpus, settings: Partition, seed: int) -> list[ClientData]:
    """ClientData out the training part; every client holds at least one conversation.

    Raises:
        UserError: more clients than conversations (or a corpus without training conversations).
    """
    available = len(corpus.conversations_in("train"))
    if settings.name not in NATURAL and settings.clients > available:
        raise UserError(
            f"{corpus.name}: partition.clients: {settings.clients} clients cannot share "
            f"{available} training conversations; set partition.clients to at most {available}"
        )
    make = {
        "iid": _iid,
        "dirichlet": _dirichlet,
        "volume": _volume,
        "volume_and_labels": _volume_and_labels,
        "person": _person,
        "session": _session,
        "random_classes": _random_classes,
    }[settings.name]
    client_data = make(corpus, settings, generator(seed, "partition", settings.name))
    if not settings.shots:
        return client_data
    random = generator(seed, "shots", settings.name)
    return [_with_shots(corpus, data, settings.shots, random) for data in client_data]


def labels_per_client(corpus: ConversationCorpus, client_data: Sequence[ClientData]) -> Integers:
    """[clients, classes]: how many supervised utterances of each class a client holds, in truth."""
    classes = len(corpus.classes)
    return np.stack([np.bincount(corpus.label[s.supervised], minlength=classes) for s in client_data])


def _iid(
    corpus: ConversationCorpus, settings: Partition, random: np.random.Generator
) -> list[ClientData]:
    """Conversations dealt out at random, equal numbers up to one."""
    shuffled = random.permutation(corpus.conversations_in("train"))
    hands = np.array_split(shuffled, settings.clients)
    return [_share(corpus, _name(i), np.sort(hand)) for i, hand in enumerate(hands)]


def _dirichlet(
    corpus: ConversationCorpus, settings: Partition, random: np.random.Generator
) -> list[ClientData]:
    """Label skew that leaves conversations whole.

    Each client draws a taste over classes from Dirichlet(alpha); the conversations, in random order,
    go to a client with probability proportional to the taste for the conversation's labels. A client
    left with nothing takes a conversation from the one that holds most.
    """
    return _attracted(corpus, _tastes(corpus, settings, random), random)


def _volume(
    corpus: ConversationCorpus, settings: Partition, random: np.random.Generator
) -> list[ClientData]:
    """Clients of unequal size: a conversation goes to client i with probability p_i, p ~ Dirichlet(alpha)."""
    appetite = random.dirichlet(np.full(settings.clients, settings.alpha))
    return _attracted(corpus, np.repeat(appetite[:, None], len(corpus.classes), axis=1), random)


def _volume_and_labels(
    corpus: ConversationCorpus, settings: Partition, random: np.random.Generator
) -> list[ClientData]:
    """Both at once: the product of `volume`'s probability and `dirichlet`'s."""
    appetite = random.dirichlet(np.full(settings.clients, settings.alpha))
    return _attracted(corpus, appetite[:, None] * _tastes(corpus, settings, random), random)


def _tastes(corpus: ConversationCorpus, settings: Partition, random: np.random.Generator) -> Floats:
    classes = len(corpus.classes)
    return random.dirichlet(np.full(classes, settings.alpha), size=settings.clients)


def _attracted(
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
    return [_share(corpus, _name(i), np.array(sorted(hand))) for i, hand in enumerate(hands)]


def _session(
    corpus: ConversationCorpus, settings: Partition, random: np.random.Generator
) -> list[ClientData]:
    """A client is a group of people who talk with nobody else: a session of IEMOCAP, a call, a home."""
    rows = np.flatnonzero(corpus.items_in("train"))
    group = np.arange(len(corpus.persons))
    conversations = np.unique(corpus.conversation[rows])
    together = [np.unique(corpus.person[corpus.rows(int(c))]) for c in conversations]
    for people in together:
        for other in np.unique(group[people]):
            group[group == other] = group[people].min()
    of_conversation = np.array([group[people[0]] for people in together])
    return [
        _share(corpus, "+".join(_names(corpus, group, g)), conversations[of_conversation == g])
        for g in np.unique(of_conversation)
    ]


def _names(corpus: ConversationCorpus, group: Integers, number: int) -> list[str]:
    """Whose group it is; of many, the first three and how many more."""
    members = [corpus.persons[i] for i in np.flatnonzero(group == number)]
    return members if len(members) <= 4 else [*members[:3], f"{len(members) - 3} more"]


def _person(
    corpus: ConversationCorpus, settings: Partition, random: np.random.Generator
) -> list[ClientData]:
    """A client is a person: it holds the conversations it took part in and learns from its own words."""
    rows = np.flatnonzero(corpus.items_in("train"))
    rows = rows[np.argsort(corpus.person[rows], kind="stable")]
    persons, starts = np.unique(corpus.person[rows], return_index=True)
    client_data = []
    for person, own in zip(persons, np.split(rows, starts)[1:], strict=True):
        conversations = np.unique(corpus.conversation[own])
        supervised = own[corpus.label[own] != UNLABELLED]
        client_data.append(ClientData(corpus.persons[person], conversations, supervised))
    return client_data


def _random_classes(
    corpus: ConversationCorpus, settings: Partition, random: np.random.Generator
) -> list[ClientData]:
    """A random set of classes a client (Wang et al. 2026 §4.1), by masking labels.

    Conversations are dealt out as in `iid`. A client keeps k_i ~ Uniform{2..C} of the classes that
    occur in them (all, if fewer occur); utterances of other classes stay as context. Every class is
    then held by at least two clients, where two have utterances of it.
    """
    dealt = _iid(corpus, settings, random)
    occurs = labels_per_client(corpus, dealt) > 0
    sizes = random.integers(2, max(3, len(corpus.classes) + 1), size=len(dealt))
    kept = np.zeros_like(occurs)
    for client, size in enumerate(sizes):
        mine = np.flatnonzero(occurs[client])
        kept[client, random.choice(mine, size=min(size, len(mine)), replace=False)] = True
    for label in range(len(corpus.classes)):
        could = np.flatnonzero(occurs[:, label] & ~kept[:, label])
        missing = max(2 - int(kept[:, label].sum()), 0)
        kept[random.permutation(could)[:missing], label] = True
    return [
        ClientData(s.name, s.conversations, s.supervised[kept[i, corpus.label[s.supervised]]])
        for i, s in enumerate(dealt)
    ]


def _with_shots(
    corpus: ConversationCorpus, data: ClientData, shots: int, random: np.random.Generator
) -> ClientData:
    """The same conversations, but labels of at most `shots` utterances a class; the others are context."""
    rows = random.permutation(data.supervised)
    label = corpus.label[rows]
    chosen = [rows[label == k][:shots] for k in np.unique(label)]
    return replace(data, supervised=np.sort(np.concatenate([rows[:0], *chosen])))


def _share(corpus: ConversationCorpus, name: str, conversations: Integers) -> ClientData:
    rows = rows_of(corpus, conversations)
    return ClientData(name, conversations, rows[corpus.label[rows] != UNLABELLED])


def _name(index: int) -> str:
    return f"client-{index:02d}"
