import csv

import numpy as np
import pytest

from fedaffect.corpus.check import ensure_sound
from fedaffect.errors import UserError
from fedaffect.importing import read
from fedaffect.schema import SPLITS

# Every table numbers its dialogues from 0; rows come out of order.
TABLES = {
    "train": [(1, 1, "Joey", "joy"), (1, 0, "Ross", "neutral"), (0, 0, "Ross", "anger")],
    "dev": [(0, 0, "Monica", "fear")],
    "test": [(0, 0, "Joey", "surprise"), (0, 1, "Joey", "Sadness ")],
}
# What stands in the corpus: (split, dialogue, utterance), speaker, label.
ORDERED = [
    ("train", 0, 0, "Ross", 6),
    ("train", 1, 0, "Ross", 0),
    ("train", 1, 1, "Joey", 4),
    ("dev", 0, 0, "Monica", 2),
    ("test", 0, 0, "Joey", 1),
    ("test", 0, 1, "Joey", 3),
]


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "MELD"
    place.mkdir()
    for split, lines in TABLES.items():
        write(place, split, lines)
    return place


def write(place, split, lines, columns=("Speaker", "Emotion", "Dialogue_ID", "Utterance_ID")):
    with (place / f"{split}_sent_emo.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["Sr No.", "Utterance", *columns, "Sentiment", "Season"])
        for number, (dialogue, utterance, speaker, emotion) in enumerate(lines):
            cells = [speaker, emotion, dialogue, utterance][: len(columns)]
            writer.writerow([number, "a private, quoted sentence", *cells, "neutral", 1])


def clips(folder, modality, width, without=()):
    for number, (split, dialogue, utterance, *_) in enumerate(ORDERED):
        (folder / modality / split).mkdir(parents=True, exist_ok=True)
        if number not in without:
            file = folder / modality / split / f"dia{dialogue}_utt{utterance}.npy"
            np.save(file, np.full(width, number + 1))


def feature_pickle(pickles, file, ids=(3, 7, 20, 21), labels=((6,), (0, 4), (2,), (1, 3))):
    """An SDT file of these six utterances; its own test split is another."""
    turns = {d: len(some) for d, some in zip(ids, labels, strict=True)}
    streams = [
        {d: np.full((n, width), d, np.float32) for d, n in turns.items()}
        for width in (1024, 1024, 1024, 1024, 300, 342)
    ]
    speakers = {d: np.eye(9)[[0] * n] for d, n in turns.items()}
    sentences = {d: ["a private sentence"] * n for d, n in turns.items()}
    emotions = dict(zip(ids, map(list, labels), strict=True))
    content = [sentences, speakers, emotions, *streams, sentences, [ids[3], *ids[:2]], [ids[2]], {}]
    return pickles.write(file, content)


def test_with_one_vector_a_clip(folder):
    clips(folder, "audio", 2)
    clips(folder, "face", 3, without=(1, 4))
    corpus = read(folder)
    ensure_sound(corpus)
    assert corpus.name == "MELD"
    assert corpus.conversations == ("train-dia0", "train-dia1", "dev-dia0", "test-dia0")
    assert corpus.conversation.tolist() == [0, 1, 1, 2, 3, 3]
    assert corpus.turn.tolist() == [0, 0, 1, 0, 0, 1]
    assert corpus.label.tolist() == [label for *_, label in ORDERED]
    assert [corpus.persons[p] for p in corpus.person] == [s for _, _, _, s, _ in ORDERED]
    assert corpus.role.tolist() == [0, 0, 1, 0, 0, 0]
    assert [SPLITS[s] for s in corpus.split] == [split for split, *_ in ORDERED]
    assert corpus.features["audio"][:, 0].tolist() == [1, 2, 3, 4, 5, 6]
    assert corpus.features["face"][:, 2].tolist() == [1, 0, 3, 4, 0, 6]
    assert corpus.present["face"].tolist() == [True, False, True, True, False, True]
    assert "MELD tables: labels, speakers' names, official splits" in corpus.provenance.reader
    assert "features of audio, face from one .npy a clip" in corpus.provenance.reader
    assert "private" not in repr(corpus)


def test_one_of_the_tables_stands_for_the_folder(folder):
    clips(folder, "audio", 2)
    assert len(read(folder / "dev_sent_emo.csv")) == 6


def test_with_a_feature_pickle_the_tables_decide_on_splits_and_speakers(folder, pickles):
    feature_pickle(pickles, folder / "meld_multimodal_features.pkl")
    corpus = read(folder)
    ensure_sound(corpus)
    assert corpus.features["audio"][:, 0].tolist() == [3, 7, 7, 20, 21, 21]
    assert [SPLITS[s] for s in corpus.split] == [split for split, *_ in ORDERED]
    assert corpus.persons == ("Joey", "Monica", "Ross")
    assert "feature pickle: sdt-meld, recognised by 13 fields" in corpus.provenance.reader
    assert "meld_multimodal_features.pkl" in corpus.provenance.source


def test_a_pickle_of_other_utterances_is_refused(folder, pickles):
    file = folder / "x.pkl"
    feature_pickle(pickles, file, labels=((6,), (0, 5), (2,), (1, 3)))
    with pytest.raises(UserError, match="dialogue 1: its emotions are not those of dialogue `7`"):
        read(folder)
    feature_pickle(pickles, file, labels=((6,), (0, 4, 4), (2,), (1, 3)))
    with pytest.raises(UserError, match="dialogue 1: its emotions are not those of dialogue `7`"):
        read(folder)
    pickles.write(file, pickles.meld(pickles.MMGCN_MELD))
    with pytest.raises(UserError, match="4 dialogues in the tables, 6 in the pickle"):
        read(folder)


def test_without_features_there_is_nothing_to_learn_from(folder):
    with pytest.raises(
        UserError, match="labels and speakers but no features; put a feature pickle"
    ):
        read(folder)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (("x", 0, "Joey", "joy"), "Dialogue_ID: 'x'; use a whole number of 0 to"),
        ((0, -1, "Joey", "joy"), "Utterance_ID: '-1'; use a whole number"),
        ((0, 0, " ", "joy"), "Speaker: empty; mend"),
        ((0, 0, "Joey", "bliss"), "Emotion: 'bliss'; use one of neutral, surprise"),
    ],
)
def test_a_wrong_cell_is_named(line, message, folder):
    write(folder, "dev", [line])
    with pytest.raises(UserError, match=rf"dev_sent_emo\.csv: line 2: {message}"):
        read(folder)


def test_a_table_or_column_that_lacks(folder):
    write(folder, "dev", TABLES["dev"], columns=("Speaker", "Emotion", "Dialogue_ID"))
    with pytest.raises(UserError, match=r"dev_sent_emo\.csv: Utterance_ID: no such column"):
        read(folder)
    (folder / "dev_sent_emo.csv").unlink()
    with pytest.raises(UserError, match=r"dev_sent_emo\.csv: no such file; MELD has train_sent"):
        read(folder)


def test_the_same_utterance_twice_is_an_error(folder):
    write(folder, "dev", TABLES["dev"] * 2)
    clips(folder, "audio", 2)
    with pytest.raises(UserError, match="the same turn twice, in conversation `dev-dia0`"):
        ensure_sound(read(folder))


def test_clips_that_do_not_fit(folder):
    clips(folder, "audio", 2)
    np.save(folder / "audio/test/dia0_utt1.npy", np.ones(3))
    with pytest.raises(
        UserError,
        match=r"audio: test/dia0_utt1\.npy: 3 wide, but 2 in train/dia0_utt0\.npy; give all one width",
    ):
        read(folder)
    for file in (folder / "audio").rglob("*.npy"):
        file.unlink()
    with pytest.raises(UserError, match=r"audio: no file is named like SPLIT/dia0_utt0\.npy"):
        read(folder)
