from dataclasses import replace

import numpy as np
import pytest

from fedaffect.corpus.check import problems
from fedaffect.corpus.part import part_of


def test_some_conversations_and_nothing_else(make_corpus):
    corpus = make_corpus(conversations=5, turns=3, missing=0.5)
    part = part_of(corpus, np.array([1, 4]))
    rows = np.r_[3:6, 12:15]
    assert part.conversations == ("conversation-1", "conversation-4")
    assert part.conversation.tolist() == [0, 0, 0, 1, 1, 1]
    assert part.rows(1) == slice(3, 6)
    for name in ("label", "person", "split", "turn", "role"):
        np.testing.assert_array_equal(getattr(part, name), getattr(corpus, name)[rows])
    for m in corpus.features:
        np.testing.assert_array_equal(part.features[m], corpus.features[m][rows])
        np.testing.assert_array_equal(part.present[m], corpus.present[m][rows])


@pytest.mark.parametrize("votes", [False, True])
def test_the_whole_is_a_part(make_corpus, votes):
    corpus = make_corpus()
    if votes:
        corpus = replace(corpus, votes=np.arange(3 * len(corpus)).reshape(-1, 3))
    part = part_of(corpus, np.arange(len(corpus.conversations)))
    assert not [p for p in problems(part) if p.severity == "error"]
    np.testing.assert_array_equal(part.label, corpus.label)
    assert (part.votes is None) == (not votes)
    if votes:
        np.testing.assert_array_equal(part.votes, corpus.votes)
