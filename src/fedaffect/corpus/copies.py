"""Images of dev and test that a model has seen in training, byte for byte."""

import hashlib

import numpy as np

from fedaffect.corpus.schema import Corpus, Flags


def copies_of_train(corpus: Corpus) -> Flags:
    """bool [items]: outside train, but one of its images is one of train's too.

    A score without them stands beside the usual one: of FER2013's private test faces 288 are copies. Vectors
    are not compared, since different recordings can have the same.
    """
    train = corpus.items_in("train")
    found = np.zeros(len(corpus), bool)
    for name, m in corpus.modalities.items():
        if not m.is_image:
            continue
        images = corpus.features[name].reshape(len(corpus), -1)
        present = corpus.present[name]
        digest = np.array(
            [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in images]
        )
        found |= present & ~train & np.isin(digest, digest[present & train])
    return found
