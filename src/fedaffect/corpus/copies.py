"""Images of dev and test that a model has seen in training, byte for byte."""

import hashlib

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.schema import Corpus
from fedaffect.schema import Flags


def copies_of_train(corpus: Corpus, learnt: Corpus | None = None) -> Flags:
    """bool [items]: outside train, but one of its images is one of train's too.

    A score without them stands beside the usual one: of FER2013's private test faces 288 are copies. Vectors
    are not compared, since different recordings can have the same.

    Args:
        learnt: another corpus whose train part is meant; then any item here may have a copy in it.
    """
    source = corpus if learnt is None else learnt
    train = source.items_in("train")
    own = train if learnt is None else np.zeros(len(corpus), bool)
    found = np.zeros(len(corpus), bool)
    for name, m in corpus.modalities.items():
        if m.is_image and name in source.features:
            digest = _digests(corpus, name)
            known = digest if learnt is None else _digests(learnt, name)
            known = known[source.present[name] & train]
            found |= corpus.present[name] & ~own & np.isin(digest, known)
    return found


def _digests(corpus: Corpus, name: str) -> npt.NDArray[np.bytes_]:
    """[items]"""
    images = corpus.features[name].reshape(len(corpus), -1)
    return np.array([hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in images])
