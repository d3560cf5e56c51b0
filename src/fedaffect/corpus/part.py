"""Some conversations of a corpus as a corpus of their own."""

from dataclasses import replace

import numpy as np

from fedaffect.corpus.batching import rows_of
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.schema import Integers


def part_of(corpus: ConversationCorpus, conversations: Integers) -> ConversationCorpus:
    """These conversations (one at least, increasing) and nothing else; persons keep their numbers."""
    rows = rows_of(corpus, conversations)
    return replace(
        corpus,
        features={name: array[rows] for name, array in corpus.features.items()},
        present={name: array[rows] for name, array in corpus.present.items()},
        label=corpus.label[rows],
        person=corpus.person[rows],
        split=corpus.split[rows],
        turn=corpus.turn[rows],
        role=corpus.role[rows],
        conversation=np.searchsorted(conversations, corpus.conversation[rows]),
        conversations=tuple(corpus.conversations[c] for c in conversations),
        votes=None if corpus.votes is None else corpus.votes[rows],
    )
