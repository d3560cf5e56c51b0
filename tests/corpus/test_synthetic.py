"""The embedded corpus: its structure, and that its people feel, talk and look as it says they do."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from fedaffect.corpus.check import problems
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.corpus.synthetic import AROUSAL, CLASSES, VALENCE, Process, synthesise
from fedaffect.errors import UserError
from fedaffect.schema import SPLITS

STEADY = replace(Process(), atmosphere=0.0, turning_point=0.0, theme_keeping=0.0, gap=0.0)
ALWAYS_OWN = replace(STEADY, contagion=0.0)
ALWAYS_CAUGHT = replace(STEADY, contagion=1.0, roles=2)


@pytest.fixture(scope="module")
def corpus() -> ConversationCorpus:
    return synthesise()


def test_is_a_sound_corpus_that_says_what_it_is(corpus: ConversationCorpus) -> None:
    assert corpus.name == "synthetic"
    assert corpus.provenance.synthetic
    assert corpus.provenance.reader == "synthetic"
    assert not [p for p in problems(corpus) if p.severity == "error"]
    assert {m.name: m.shape for m in corpus.modalities.values()} == {
        "audio": (24,),
        "text": (32,),
        "video": (16,),
    }
    assert {m.dtype for m in corpus.modalities.values()} == {"float32"}
    assert corpus.roles == 3


def test_has_the_conversations_and_turns_it_was_asked_for(corpus: ConversationCorpus) -> None:
    assert [len(corpus.conversations_in(s)) for s in SPLITS] == [120, 24, 60]
    lengths = np.bincount(corpus.conversation)
    assert (lengths.min(), lengths.max()) == (8, 24)
    for rows in _conversations(corpus):
        np.testing.assert_array_equal(corpus.turn[rows], np.arange(rows.stop - rows.start))


def test_every_class_is_in_every_split(corpus: ConversationCorpus) -> None:
    for split in SPLITS:
        share = np.bincount(corpus.label[corpus.items_in(split)], minlength=len(CLASSES))
        assert share.min() > 0.05 * share.sum()


def test_equal_seeds_give_equal_corpora_and_others_do_not() -> None:
    small = (4, 1, 1)
    first, again = synthesise(seed=3, conversations=small), synthesise(seed=3, conversations=small)
    for name in first.features:
        np.testing.assert_array_equal(first.features[name], again.features[name])
        np.testing.assert_array_equal(first.present[name], again.present[name])
    for name in ("label", "person", "split", "conversation", "turn", "role"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert first.provenance == again.provenance
    other = synthesise(seed=4, conversations=small)
    assert other.provenance.sha256 != first.provenance.sha256
    assert not np.array_equal(other.label[:20], first.label[:20])


def test_nobody_is_heard_in_two_splits(corpus: ConversationCorpus) -> None:
    heard = [set(corpus.person[corpus.items_in(s)].tolist()) for s in SPLITS]
    assert sum(map(len, heard)) == len(set().union(*heard)) == len(corpus.persons)


def test_persons_are_not_roles(corpus: ConversationCorpus) -> None:
    for rows in _conversations(corpus):
        cast = set(zip(corpus.role[rows].tolist(), corpus.person[rows].tolist(), strict=True))
        roles, people = zip(*cast, strict=True)
        assert len(set(roles)) == len(set(people)) == len(cast)
    parts = {(p, r) for p, r in zip(corpus.person.tolist(), corpus.role.tolist(), strict=True)}
    assert len(parts) > 2 * len(corpus.persons)


def test_what_is_absent_is_zero_and_the_rest_is_not(corpus: ConversationCorpus) -> None:
    for name, features in corpus.features.items():
        np.testing.assert_array_equal(np.any(features, axis=1), corpus.present[name])


def test_gaps_are_stretches_of_turns_of_one_modality(corpus: ConversationCorpus) -> None:
    gaps = 0
    for rows in _conversations(corpus):
        absent = {m: np.flatnonzero(~p[rows]) for m, p in corpus.present.items()}
        lost = [turns for turns in absent.values() if len(turns)]
        assert len(lost) <= 1
        for turns in lost:
            gaps += 1
            assert 3 <= len(turns) <= 6
            assert turns[-1] - turns[0] == len(turns) - 1
    assert gaps == pytest.approx(Process().gap * len(corpus.conversations), rel=0.25)
    assert all((~p).any() for p in corpus.present.values())


def test_emotions_change_about_as_often_as_in_recorded_dialogue() -> None:
    """IEMOCAP: between turns 45 %, between turns of one speaker 29 %."""
    corpus = synthesise(conversations=(600, 1, 1))
    between_turns, of_one_speaker = [], []
    for rows in _conversations(corpus):
        label, role = corpus.label[rows], corpus.role[rows]
        between_turns.extend(label[1:] != label[:-1])
        for one in range(corpus.roles):
            own = label[role == one]
            of_one_speaker.extend(own[1:] != own[:-1])
    assert np.mean(between_turns) == pytest.approx(0.45, abs=0.03)
    assert np.mean(of_one_speaker) == pytest.approx(0.29, abs=0.03)


def test_without_contagion_and_turning_points_a_mood_persists() -> None:
    corpus = synthesise(conversations=(60, 1, 1), process=ALWAYS_OWN)
    felt = [set(corpus.label[rows][corpus.role[rows] == 0]) for rows in _conversations(corpus)]
    assert {len(labels) for labels in felt} == {1}
    assert len(set().union(*felt)) == len(CLASSES)


def test_a_shared_atmosphere_is_one_mood_for_all() -> None:
    shared = replace(ALWAYS_OWN, atmosphere=1.0)
    corpus = synthesise(conversations=(20, 1, 1), process=shared)
    assert all(len(set(corpus.label[rows])) == 1 for rows in _conversations(corpus))


def test_contagion_gives_the_other_s_mood_while_the_face_keeps_the_own() -> None:
    corpus = synthesise(conversations=(200, 1, 1), process=ALWAYS_CAUGHT)
    own = np.full(len(corpus), -1)
    for rows in _conversations(corpus):
        label, role = corpus.label[rows], corpus.role[rows]
        for one in (0, 1):
            caught_by_other = set(label[role == 1 - one])
            if caught_by_other:
                (mood,) = caught_by_other
                own[rows][role == one] = mood
    known = own >= 0
    apart_by_own = _distance(corpus.features["video"][known], VALENCE[own[known]])
    apart_by_felt = _distance(corpus.features["video"][known], VALENCE[corpus.label[known]])
    assert apart_by_own == pytest.approx(2 * STEADY.face_valence, rel=0.2)
    assert apart_by_felt < 0.25 * apart_by_own


def test_words_tell_valence_and_the_voice_tells_arousal() -> None:
    process = replace(ALWAYS_OWN, voice_habit=0.0, words_valence=2.0)
    corpus = synthesise(conversations=(300, 1, 1), process=process)

    def apart(modality: str, one: str, other: str) -> float:
        pair = [CLASSES.index(one), CLASSES.index(other)]
        rows = np.isin(corpus.label, pair)
        sign = np.where(corpus.label[rows] == pair[0], 1.0, -1.0)
        return _distance(corpus.features[modality][rows], sign)

    # Whose feelings are meant has the same words in every class, up to how often each role speaks.
    assert apart("text", "angry", "excited") > 3 > 1.5 > apart("text", "happy", "excited")
    assert apart("audio", "happy", "excited") > 1.8 > 0.6 > apart("audio", "angry", "excited")


def test_a_habitual_voice_hides_arousal_until_it_is_taken_off() -> None:
    process = replace(ALWAYS_OWN, voice_habit=5.0, atmosphere=0.0, turning_point=0.3)
    corpus = synthesise(conversations=(300, 1, 1), process=process)
    voice = corpus.features["audio"].astype(float)
    for person in np.unique(corpus.person):
        voice[corpus.person == person] -= voice[corpus.person == person].mean(axis=0)
    arousal = AROUSAL[corpus.label]
    direction = np.linalg.svd(corpus.features["audio"], full_matrices=False)[2][0]
    heard, relative = corpus.features["audio"] @ direction, voice @ direction
    assert abs(np.corrcoef(heard, arousal)[0, 1]) < 0.4
    assert abs(np.corrcoef(relative, arousal)[0, 1]) > 0.6


@pytest.mark.parametrize("conversations", [(0, 1, 1), (5, 1, 0)])
def test_an_empty_split_is_refused(conversations: tuple[int, int, int]) -> None:
    with pytest.raises(UserError, match="every split"):
        synthesise(conversations=conversations)


def _conversations(corpus: ConversationCorpus) -> Iterator[slice]:
    return (corpus.rows(i) for i in range(len(corpus.conversations)))


def _distance(features: np.ndarray, sign: np.ndarray) -> float:
    """Between the mean of the rows of positive and of negative sign."""
    means = [features[sign > 0].mean(axis=0), features[sign < 0].mean(axis=0)]
    return float(np.linalg.norm(means[0] - means[1]))
