"""A corpus in two: one half to train a backbone on, the other for clients who were never in it."""

from dataclasses import replace

import numpy as np

from fedaffect.corpus.copies import copies_of_train
from fedaffect.corpus.part import part_of
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.randomness import generator


def halves(corpus: ConversationCorpus, seed: int) -> tuple[ConversationCorpus, ConversationCorpus]:
    """Each with half of the training conversations, as many of each class, and all of dev and test.

    Conversations of the second with a copy, byte for byte, of one of the first's training images are left
    out. Persons are not kept apart: collections of faces do not tell them.

    Raises:
        UserError: fewer than two training conversations, or nothing but copies.
    """
    train = generator(seed, "halves").permutation(corpus.conversations_in("train"))
    if len(train) < 2:
        raise UserError(f"{corpus.name}: {len(train)} training conversations make no two halves")
    label = corpus.label[[corpus.rows(int(c)).start for c in train]]
    by_class = train[np.argsort(label, kind="stable")]
    judged = [corpus.conversations_in(split) for split in ("dev", "test")]
    first, second = (
        part_of(corpus, np.unique(np.concatenate([by_class[start::2], *judged])))
        for start in (0, 1)
    )
    copied = copies_of_train(second, first) & second.items_in("train")
    kept = np.setdiff1d(np.arange(len(second.conversations)), second.conversation[copied])
    second = part_of(second, kept)
    if not second.items_in("train").any():
        raise UserError(f"{corpus.name}: one half is nothing but copies of the other")
    return _called(first, "first", seed), _called(second, "second", seed)


def _called(half: ConversationCorpus, which: str, seed: int) -> ConversationCorpus:
    reader = f"{half.provenance.reader}; {which} half, seed {seed}"
    return replace(
        half, name=f"{half.name}-{which}", provenance=replace(half.provenance, reader=reader)
    )
