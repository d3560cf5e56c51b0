from dataclasses import replace

import numpy as np

from fedaffect.corpus.describe import Part, Stream, describe


def test_a_corpus_in_numbers(make_corpus):
    corpus = make_corpus(conversations=4, turns=5)
    label = np.array([0, 0, 1, -1, 2] * 4)
    present = corpus.present | {"audio": np.arange(20) >= 5}
    seen = describe(replace(corpus, label=label, present=present))
    assert (seen.utterances, seen.conversations, seen.persons, seen.roles) == (20, 4, 8, 2)
    assert seen.lengths == (5, 5.0, 5)
    assert seen.splits == {
        "train": Part(2, 10, 4, (4, 2, 2), 2),
        "dev": Part(1, 5, 2, (2, 1, 1), 1),
        "test": Part(1, 5, 2, (2, 1, 1), 1),
    }
    assert seen.modalities == {
        "audio": Stream((3,), "float32", 0.75),
        "text": Stream((4,), "float32", 1.0),
    }
    assert seen.provenance["synthetic"] is True
