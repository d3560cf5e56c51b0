from dataclasses import replace

import numpy as np
import pytest

from fedaffect.corpus.check import Problem, drop_non_finite, ensure_sound, problems
from fedaffect.errors import UserError


def changed(array, row, value):
    array = array.copy()
    array[row] = value
    return array


def spoilt(corpus, field, row, value):
    return replace(corpus, **{field: changed(getattr(corpus, field), row, value)})


def test_a_sound_corpus_has_no_problems(make_corpus):
    assert problems(make_corpus(conversations=6, persons=None)) == []


def test_votes_are_numbers_of_people_for_each_class(make_corpus):
    corpus = make_corpus()
    votes = np.ones((len(corpus), 3), np.float32)
    assert problems(replace(corpus, votes=votes)) == problems(corpus)
    for value in (-1, np.nan, np.inf):
        (problem, *_) = problems(replace(corpus, votes=changed(votes, 2, value)))
        assert str(problem).startswith("votes: negative, NaN or Inf; give numbers")
    for wrong in (votes[:-1], votes[:, :2], votes[:, 0]):
        (problem,) = problems(replace(corpus, votes=wrong))
        assert (problem.severity, problem.field) == ("error", "votes")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_non_finite_features_are_counted_and_placed(value, make_corpus):
    corpus = make_corpus()
    corpus.features["audio"][[7, 9], 1] = value
    (problem,) = problems(corpus)
    assert (problem.severity, problem.field) == ("error", "modality audio")
    assert problem.message == (
        "NaN or Inf in 2 utterances, first in conversation `conversation-1`, turn 2"
    )
    assert "--non-finite drop" in problem.cure
    mended, dropped = drop_non_finite(corpus)
    assert dropped == {"audio": 2}
    assert [p.severity for p in problems(mended)] == ["warning"]
    assert np.flatnonzero(~mended.present["audio"]).tolist() == [7, 9]
    assert not np.isfinite(corpus.features["audio"][7]).all()  # the given corpus is left alone


@pytest.mark.parametrize(
    ("field", "row", "value", "message"),
    [
        ("label", 3, 3, "label: 1 utterance with an unknown label, first 3 in conversation"),
        ("label", 3, -2, "label: 1 utterance with an unknown label, first -2"),
        ("split", 1, 2, r"more than one split, first `conversation-0` \(train and test\)"),
        ("split", 1, 3, "split: row 1 is 3, out of range for 3 names; use 0 to 2"),
        ("person", 4, 8, "person: row 4 is 8, out of range for 8 names"),
        ("conversation", 4, -1, "conversation: row 4 is -1"),
        ("conversation", 4, 2, "conversation: rows are not in order; sort rows by"),
        ("turn", 6, 0, "turn: the same turn twice, in conversation `conversation-1`, turn 0"),
        ("turn", 8, 1, "turn: turns out of order, in conversation `conversation-1`, turn 2"),
        ("role", 2, -1, "role: -1 in conversation `conversation-0`, turn 2"),
        ("role", 2, 10**12, "number the roles of a conversation from 0 upwards, below 512"),
        ("split", slice(None), 2, "split: nothing to train on"),
    ],
)
def test_errors_are_raised_with_their_place(field, row, value, message, make_corpus):
    with pytest.raises(UserError, match=message):
        ensure_sound(spoilt(make_corpus(), field, row, value))


def test_an_empty_conversation(make_corpus):
    corpus = make_corpus()
    with pytest.raises(UserError, match="1 without an utterance, first `silent`"):
        ensure_sound(replace(corpus, conversations=(*corpus.conversations, "silent")))


def test_names_given_twice(make_corpus):
    with pytest.raises(UserError, match="classes: `a` stands there twice"):
        ensure_sound(replace(make_corpus(), classes=("a", "b", "a")))


@pytest.mark.parametrize("field", ["classes", "persons", "conversations"])
def test_a_name_that_would_steer_a_terminal(field, make_corpus):
    corpus = make_corpus()
    names = getattr(corpus, field)
    steered = replace(corpus, **{field: (*names[:-1], "\x1b[2Jgone")})
    (problem,) = (p for p in problems(steered) if p.field == "names")
    assert problem.severity == "error"
    assert problem.message == r"'\x1b[2Jgone' holds a control character"
    assert not [p for p in problems(replace(corpus, name="Séance 2")) if p.field == "names"]


def test_sizes_come_first(make_corpus):
    corpus = make_corpus()
    short = replace(corpus, features={"text": corpus.features["text"][:3]})
    assert {problem.field for problem in problems(short)} == {"present", "feature text"}
    assert "label: no utterances" in {str(p)[:20] for p in problems(make_corpus(turns=0))}
    empty = replace(corpus, features={}, present={})
    assert [problem.message for problem in problems(empty)] == ["no modality"]


def test_a_modality_missing_everywhere_or_in_part(make_corpus):
    corpus = make_corpus()
    nowhere = replace(corpus, present=corpus.present | {"audio": np.zeros(20, bool)})
    assert problems(nowhere) == [
        Problem("error", "modality audio", "missing everywhere", "leave it out with `--modalities`")
    ]
    partly = replace(corpus, present=corpus.present | {"audio": np.arange(20) >= 5})
    (problem,) = problems(partly)
    assert str(problem).startswith("modality audio: missing in 25.0% of the utterances")
    assert problem.severity == "warning"


def test_an_utterance_without_any_modality(make_corpus):
    corpus = make_corpus()
    nothing = {m: changed(p, 6, False) for m, p in corpus.present.items()}
    found = problems(replace(corpus, present=nothing))
    assert any(
        p.message == "1 utterance without any modality, first conversation `conversation-1`, turn 1"
        for p in found
    )


def test_warnings_do_not_stop_anyone(make_corpus):
    corpus = make_corpus(persons=2)
    label = np.where(corpus.items_in("train") & (corpus.label == 2), -1, corpus.label)
    found = problems(replace(corpus, label=label))
    assert {problem.severity for problem in found} == {"warning"}
    unlabelled = int((label == -1).sum())
    assert [str(problem).split(";")[0] for problem in found] == [
        f"label: {unlabelled} utterances unlabelled",
        "label: no training item of class `class-2`",
        "person: 2 of test also in train, first `person-0`",
    ]
    ensure_sound(replace(corpus, label=label))


def test_empty_dev_and_test_are_said(make_corpus):
    messages = [problem.message for problem in problems(make_corpus(conversations=1))]
    assert messages == ["`dev` is empty", "`test` is empty"]


def test_errors_stand_before_warnings(make_corpus):
    corpus = spoilt(make_corpus(persons=2), "role", 0, -1)
    assert [problem.severity for problem in problems(corpus)] == ["error", "warning"]
