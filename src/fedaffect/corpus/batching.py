"""Row indices of conversations, padded batches of them, and batch order."""

from collections.abc import Iterator

import numpy as np

from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.schema import Integers


def rows_of(corpus: ConversationCorpus, conversations: Integers) -> Integers:
    """int64 [n]: the rows of the conversations, one conversation after the other."""
    spans = [corpus.rows(int(c)) for c in conversations]
    return np.concatenate([np.arange(span.start, span.stop) for span in spans])


def padded_rows(corpus: ConversationCorpus, conversations: Integers) -> Integers:
    """int64 [B, N]: row t of each conversation, and `len(corpus)` where it has ended."""
    spans = [corpus.rows(int(c)) for c in conversations]
    longest = max(span.stop - span.start for span in spans)
    rows = np.full((len(spans), longest), len(corpus), np.int64)
    for line, span in zip(rows, spans, strict=True):
        line[: span.stop - span.start] = np.arange(span.start, span.stop)
    return rows


def shuffled(
    conversations: Integers, batch_size: int, random: np.random.Generator
) -> Iterator[Integers]:
    """One epoch: the conversations in random order, `batch_size` at a time."""
    order = random.permutation(conversations)
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def by_length(
    corpus: ConversationCorpus, conversations: Integers, batch_size: int
) -> Iterator[Integers]:
    """The conversations in order of length, so that a batch carries little padding."""
    lengths = [corpus.rows(int(c)).stop - corpus.rows(int(c)).start for c in conversations]
    order = conversations[np.argsort(lengths, kind="stable")]
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
