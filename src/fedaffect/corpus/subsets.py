"""Parts of a corpus: chosen conversations, two halves, and the images that are copies of training images."""

import hashlib
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.batching import rows_of
from fedaffect.corpus.schema import ConversationCorpus, Corpus
from fedaffect.errors import UserError
from fedaffect.randomness import generator
from fedaffect.schema import Flags, Integers


def select_conversations(corpus: ConversationCorpus, conversations: Integers) -> ConversationCorpus:
    """The corpus with these conversations alone; persons keep their numbers.

    Args:
        conversations: int64 [at least one], increasing.
    """
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


def halves(corpus: ConversationCorpus, seed: int) -> tuple[ConversationCorpus, ConversationCorpus]:
    """Two corpora, each with half of the training conversations of each class, and all of dev and test.

    One half can train a backbone for clients that hold the other. Training conversations of the second with a
    copy, byte for byte, of a training image of the first are left out. Persons may be in both: collections of
    faces do not name them.

    Raises:
        UserError: fewer than two training conversations, or nothing but copies.
    """
    train = generator(seed, "halves").permutation(corpus.conversations_in("train"))
    if len(train) < 2:
        raise UserError(
            f"{corpus.name}: split: {len(train)} training conversations; give at least 2 to halve"
        )
    label = corpus.label[[corpus.rows(int(c)).start for c in train]]
    by_class = train[np.argsort(label, kind="stable")]
    evaluated = [corpus.conversations_in(split) for split in ("dev", "test")]
    first, second = (
        select_conversations(corpus, np.unique(np.concatenate([by_class[start::2], *evaluated])))
        for start in (0, 1)
    )
    copied = copies_of_train(second, first) & second.items_in("train")
    kept = np.setdiff1d(np.arange(len(second.conversations)), second.conversation[copied])
    second = select_conversations(second, kept)
    if not second.items_in("train").any():
        raise UserError(
            f"{corpus.name}: features: every training image of one half is in the other too; give a corpus "
            "with more different images"
        )
    return _renamed(first, "first", seed), _renamed(second, "second", seed)


def copies_of_train(corpus: Corpus, trained_on: Corpus | None = None) -> Flags:
    """bool [items]: outside train, but an image of the item is byte for byte one of a training item.

    Scores without them are reported beside the usual ones: 288 of FER2013's private test faces are copies.
    Vectors are not compared, since different recordings can have the same.

    Args:
        trained_on: another corpus whose training part counts; any item here may then have a copy in it.
    """
    source = corpus if trained_on is None else trained_on
    train = source.items_in("train")
    own = train if trained_on is None else np.zeros(len(corpus), bool)
    found = np.zeros(len(corpus), bool)
    for name, m in corpus.modalities.items():
        if m.is_image and name in source.features:
            digest = _digests(corpus, name)
            known = digest if trained_on is None else _digests(trained_on, name)
            known = known[source.present[name] & train]
            found |= corpus.present[name] & ~own & np.isin(digest, known)
    return found


def _renamed(half: ConversationCorpus, which: str, seed: int) -> ConversationCorpus:
    reader = f"{half.provenance.reader}; {which} half, seed {seed}"
    return replace(
        half, name=f"{half.name}-{which}", provenance=replace(half.provenance, reader=reader)
    )


def _digests(corpus: Corpus, name: str) -> npt.NDArray[np.bytes_]:
    """bytes [items]: BLAKE2b of each image."""
    images = corpus.features[name].reshape(len(corpus), -1)
    return np.array([hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in images])
