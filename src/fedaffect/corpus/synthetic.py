"""The embedded corpus: invented conversations on which every part of a model has work to do.

It is *synthetic* and says so; its figures tell whether a method works, never how well it works on people.
Its process is a caricature of what is known about emotion in conversation:

- **Persistence.** Each speaker is in a mood that lasts, until a turning point brings another.
- **Spreading.** A conversation has an atmosphere that many of its speakers share from the start. And in a
  part of the turns the speaker responds to another person and feels, for that turn, what the *other* is in
  the mood for (emotional contagion); otherwise the speaker feels the own mood. The label is what is felt.
- **Words** tell what an utterance is about: whose feelings it responds to (the speaker's own or another
  person's), clearly, and how pleasant they are, vaguely. Happy and excited, or sad, angry and frustrated,
  are worded alike.
- **The voice** tells how aroused the felt emotion is, on top of the person's habitual voice: only the
  deviation from habit speaks of emotion. Happy and frustrated, angry and excited, or sad and neutral
  sound alike.
- **The face** is slower than the voice: it keeps showing the speaker's own mood, also while the speaker
  responds to somebody else's. It shows pleasantness well and arousal less.
- **Gaps.** In some conversations a modality is lost for a few turns (a camera that looks away).

Hence each part of a conversation model is needed, by construction: *context*, because one face is vague
and a habit shows only over many turns; *roles*, because moods and habits belong to speakers; and
*attention across modalities*, because the words say whose faces to look at, and the faces do not.

Roles are parts played in every conversation (the first has the first turn); persons are who plays them,
and nobody who is heard in one split is heard in another.
"""

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fedaffect.corpus.schema import ConversationCorpus, Provenance
from fedaffect.errors import UserError
from fedaffect.experiment import SYNTHETIC
from fedaffect.randomness import generator
from fedaffect.schema import SPLITS, Array, Flags, Floats, Integers

CLASSES = ("happy", "sad", "neutral", "angry", "excited", "frustrated")
FREQUENCY = np.array([0.13, 0.15, 0.20, 0.17, 0.16, 0.19])
VALENCE = np.array([1.0, -1.0, 0.0, -1.0, 1.0, -1.0])
AROUSAL = np.array([0.0, -1.0, -1.0, 1.0, 1.0, 0.0])
CONVERSATIONS_A_PERSON = 6


@dataclass(frozen=True)
class Process:
    """How the invented people feel, talk and show it. Strengths are in units of the noise.

    Attributes:
        dimensions: feature width by modality.
        roles: speakers of a conversation, at least 2.
        turns: fewest and most turns of a conversation.
        turn_keeping: chance that the speaker of a turn also has the next.
        atmosphere: chance that a speaker starts in the conversation's mood.
        turning_point: chance, a turn, that its speaker's mood is drawn anew.
        contagion: chance that a turn responds to another speaker and takes over that one's mood.
        theme_keeping: chance that a speaker's turn responds to the same person as the own turn before.
        words_about: how clearly the words say whose feelings they respond to.
        words_valence: how clearly they say how pleasant these are.
        voice_arousal: how clearly the voice is aroused.
        voice_habit: spread of the persons' habitual voices along the same axis.
        face_valence: how clearly the face shows how pleasant the speaker's own mood is.
        face_arousal: how clearly it shows how aroused that is.
        gap: chance that a conversation loses one of its modalities for a stretch of turns.
        gap_turns: shortest and longest such stretch.
    """

    dimensions: tuple[tuple[str, int], ...] = (("audio", 24), ("text", 32), ("video", 16))
    roles: int = 3
    turns: tuple[int, int] = (8, 24)
    turn_keeping: float = 0.15
    atmosphere: float = 0.4
    turning_point: float = 0.02
    contagion: float = 0.45
    theme_keeping: float = 0.35
    words_about: float = 6.0
    words_valence: float = 0.9
    voice_arousal: float = 2.2
    voice_habit: float = 0.8
    face_valence: float = 2.2
    face_arousal: float = 1.0
    gap: float = 0.4
    gap_turns: tuple[int, int] = (3, 6)


def synthesise(
    *,
    seed: int = 0,
    conversations: tuple[int, int, int] = (120, 24, 60),
    process: Process | None = None,
) -> ConversationCorpus:
    """Invent a corpus; equal arguments give equal corpora.

    Args:
        conversations: how many for `train`, `dev` and `test`.

    Returns:
        About 16 utterances a conversation with float32 features `audio` [n, 24], `text` [n, 32] and
        `video` [n, 16], six classes and three roles. An utterance lacks at most one modality.

    Raises:
        UserError: a split without a conversation.
    """
    if min(conversations) < 1:
        raise UserError(
            f"synthetic corpus: conversations {conversations}: every split needs at least one"
        )
    process = process or Process()
    companies = [
        max(process.roles, -(-n * process.roles // CONVERSATIONS_A_PERSON)) for n in conversations
    ]
    first = np.concatenate([[0], np.cumsum(companies)])
    world = _World.draw(process, int(first[-1]), generator(seed, "synthetic", "world"))
    parts, split, names = [], [], []
    for s, number in enumerate(conversations):
        for index in range(number):
            random = generator(seed, "synthetic", SPLITS[s], index)
            people = first[s] + random.choice(companies[s], process.roles, replace=False)
            parts.append(_conversation(process, world, people, random))
            split.append(s)
            names.append(f"{SPLITS[s]}-{index:03d}")
    lengths = [len(part.label) for part in parts]
    arguments = f"seed={seed}, conversations={conversations}, process={process}"
    return ConversationCorpus(
        name=SYNTHETIC,
        classes=CLASSES,
        features={m: np.concatenate([p.features[m] for p in parts]) for m, _ in process.dimensions},
        present={m: np.concatenate([p.present[m] for p in parts]) for m, _ in process.dimensions},
        label=np.concatenate([p.label for p in parts]),
        person=np.concatenate([p.person for p in parts]),
        persons=tuple(f"person-{i:02d}" for i in range(first[-1])),
        split=np.repeat(split, lengths),
        conversation=np.repeat(np.arange(len(parts)), lengths),
        conversations=tuple(names),
        turn=np.concatenate([np.arange(n) for n in lengths]),
        role=np.concatenate([p.role for p in parts]),
        provenance=Provenance(
            source=f"fedaffect.corpus.synthetic.synthesise({arguments})",
            sha256=hashlib.sha256(arguments.encode()).hexdigest(),
            reader=SYNTHETIC,
            synthetic=True,
        ),
    )


class _World(NamedTuple):
    """What all conversations share: by modality the directions of meaning, and everybody's voice."""

    directions: dict[str, Floats]
    habit: Floats

    @staticmethod
    def draw(process: Process, persons: int, random: np.random.Generator) -> "_World":
        # Meaning lies in directions, as in learnt features, not in single columns.
        directions = {
            m: np.linalg.qr(random.normal(size=(width, width)))[0]
            for m, width in process.dimensions
        }
        return _World(directions, process.voice_habit * random.normal(size=persons))


class _Conversation(NamedTuple):
    features: dict[str, Array]
    present: dict[str, Flags]
    label: Integers
    person: Integers
    role: Integers


def _conversation(
    process: Process, world: _World, people: Integers, random: np.random.Generator
) -> _Conversation:
    turns = int(random.integers(process.turns[0], process.turns[1] + 1))
    role = _turn_taking(process, turns, random)
    mood = _moods(process, role, random)
    about = _about(process, role, random)
    own, felt = mood[np.arange(turns), role], mood[np.arange(turns), about]

    meaning = {
        "text": [
            process.words_valence * VALENCE[felt],
            *(process.words_about * np.equal(about, r) for r in range(process.roles)),
        ],
        "audio": [process.voice_arousal * AROUSAL[felt] + world.habit[people[role]]],
        "video": [process.face_valence * VALENCE[own], process.face_arousal * AROUSAL[own]],
    }
    present = _gaps(process, turns, random)
    features = {}
    for modality, width in process.dimensions:
        signal = np.stack(meaning[modality], axis=1)
        signal = signal @ world.directions[modality][: signal.shape[1]]
        noisy = signal + random.normal(size=(turns, width))
        features[modality] = np.where(present[modality][:, None], noisy, 0).astype(np.float32)
    return _Conversation(features, present, felt, people[role], role)


def _turn_taking(process: Process, turns: int, random: np.random.Generator) -> Integers:
    """[turns]: the role that speaks; a turn is kept sometimes, else passed on at random."""
    passed = np.where(
        random.random(turns) < process.turn_keeping, 0, random.integers(1, process.roles, turns)
    )
    passed[0] = 0
    return np.cumsum(passed) % process.roles


def _moods(process: Process, role: Integers, random: np.random.Generator) -> Integers:
    """[turns, roles]: everybody's mood at every turn, as a class."""
    now = random.choice(len(CLASSES), process.roles, p=FREQUENCY)
    shares = random.random(process.roles) < process.atmosphere
    now[shares] = random.choice(len(CLASSES), p=FREQUENCY)
    moods = np.empty((len(role), process.roles), np.int64)
    for turn, speaker in enumerate(role):
        if random.random() < process.turning_point:
            now[speaker] = random.choice(len(CLASSES), p=FREQUENCY)
        moods[turn] = now
    return moods


def _about(process: Process, role: Integers, random: np.random.Generator) -> Integers:
    """[turns]: the role whose feelings a turn responds to, the speaker's own or another's."""
    caught = random.random(len(role)) < process.contagion
    other = (role + random.integers(1, process.roles, len(role))) % process.roles
    about = np.where(caught, other, role)
    last: dict[int, int] = {}
    for turn, speaker in enumerate(role.tolist()):
        if speaker in last and random.random() < process.theme_keeping:
            about[turn] = last[speaker]
        last[speaker] = int(about[turn])
    return about


def _gaps(process: Process, turns: int, random: np.random.Generator) -> dict[str, Flags]:
    """By modality, bool [turns]: at most one modality is lost, for one stretch of turns."""
    present = {m: np.ones(turns, bool) for m, _ in process.dimensions}
    if random.random() < process.gap:
        modality, _ = process.dimensions[int(random.integers(len(process.dimensions)))]
        length = int(random.integers(process.gap_turns[0], process.gap_turns[1] + 1))
        start = int(random.integers(0, max(turns - length, 0) + 1))
        present[modality][start : start + length] = False
    return present
