import io
import zipfile

import numpy as np
import pytest

from fedaffect.corpus import store
from fedaffect.corpus.check import ensure_sound, problems
from fedaffect.corpus.formats import numpy_file
from fedaffect.errors import UserError
from fedaffect.importing import Options, read
from fedaffect.schema import SPLITS


def arrays(**changes):
    """Three dialogues, rows out of order, one audio vector missing."""
    content = {
        "text": np.arange(12, dtype=np.float16).reshape(6, 2),
        "audio": np.full((6, 3), np.nan, np.float32),
        "audio_present": np.array([True, True, False, True, True, True]),
        "label": np.array([1, 0, 1, -1, 0, 1], np.int8),
        "label_names": np.array(["calm", "upset"]),
        "dialogue": np.array([0, 2, 0, 1, 1, 2], np.int16),
        "dialogue_names": np.array(["first", "second", "third"]),
        "turn": np.array([7, 1, 2, 1, 0, 0], np.int16),
        "speaker": np.array([4, 4, 1, 2, 0, 3], np.int8),
        "speaker_names": np.array(["Ann", "Bob", "Cid", "Dee", "Eva"]),
        "split": np.array(["train", "test", "train", "dev", "dev", "test"]),
        "start_end": np.zeros((6, 2), np.float32),
        "sentiment": np.zeros((6, 4), np.int8),
        "utterance_id": np.array([f"u{i}" for i in range(6)]),
    }
    content["audio"][content["audio_present"]] = 1
    return {k: v for k, v in (content | changes).items() if v is not None}


def written(tmp_path, **changes):
    file = tmp_path / "corpus.npz"
    np.savez_compressed(file, **arrays(**changes))
    return file


def test_the_layout_row_by_row(tmp_path):
    corpus = read(written(tmp_path))
    ensure_sound(corpus)
    assert corpus.name == "corpus"
    assert corpus.classes == ("calm", "upset")
    assert corpus.conversations == ("first", "second", "third")
    assert corpus.conversation.tolist() == [0, 0, 1, 1, 2, 2]
    assert corpus.turn.tolist() == [2, 7, 0, 1, 0, 1]
    assert corpus.label.tolist() == [1, 1, 0, -1, 1, 0]
    assert [corpus.persons[p] for p in corpus.person] == ["Bob", "Eva", "Ann", "Cid", "Dee", "Eva"]
    assert corpus.role.tolist() == [0, 1, 0, 1, 0, 1]  # by first appearance
    assert [SPLITS[s] for s in corpus.split[::2]] == ["train", "dev", "test"]
    assert list(corpus.features) == ["audio", "text"]
    np.testing.assert_array_equal(corpus.features["text"][:, 0], [4, 0, 8, 6, 10, 2])
    assert corpus.features["text"].dtype == np.float16
    assert corpus.present["audio"].tolist() == [False, True, True, True, True, True]
    assert not corpus.features["audio"][0].any()  # NaN where absent became zero
    assert corpus.provenance.reader == (
        "neutral layout; not read: sentiment, start_end, utterance_id"
    )


def test_what_is_optional_is_made_up(tmp_path):
    file = written(
        tmp_path,
        dialogue=np.array([10, 30, 10, 20, 20, 30]),
        **dict.fromkeys(["dialogue_names", "speaker", "speaker_names", "start_end", "sentiment"]),
    )
    corpus = read(file)
    ensure_sound(corpus)
    assert corpus.conversations == ("dialogue-10", "dialogue-20", "dialogue-30")
    assert corpus.role.tolist() == [0] * 6
    assert corpus.persons == tuple(f"{c}/role-0" for c in corpus.conversations)
    assert corpus.person.tolist() == [0, 0, 1, 1, 2, 2]

    unnamed = read(written(tmp_path, speaker_names=None, role=np.array([3] * 6)))
    assert unnamed.persons == tuple(f"speaker-{i}" for i in range(5))
    assert unnamed.role.tolist() == [3] * 6


def test_pictures_are_a_modality_and_big_endian_is_turned(tmp_path):
    faces = np.arange(24, dtype=np.uint8).reshape(6, 2, 2)
    text = np.arange(6, dtype=">f4").reshape(6, 1)
    corpus = read(written(tmp_path, faces=faces, text=text))
    assert corpus.modalities["faces"].shape == (2, 2)
    assert corpus.modalities["text"].dtype == "float32"
    np.testing.assert_array_equal(corpus.features["text"][:, 0], [2, 0, 4, 3, 5, 1])


def test_votes_follow_their_rows(tmp_path):
    votes = np.arange(12, dtype=np.uint8).reshape(6, 2)
    corpus = read(written(tmp_path, votes=votes))
    ensure_sound(corpus)
    assert corpus.votes[:, 0].tolist() == [4, 0, 8, 6, 10, 2]
    assert list(corpus.features) == ["audio", "text"]
    assert read(written(tmp_path)).votes is None


def test_modalities_can_be_chosen(tmp_path):
    corpus = read(written(tmp_path), Options(modalities=["text"], name="mine"))
    assert (list(corpus.features), corpus.name) == (["text"], "mine")
    with pytest.raises(UserError, match="no modality `video`; it has: audio, text"):
        read(written(tmp_path), Options(modalities=["video"]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": None}, "label: missing; the neutral layout needs it"),
        ({"split": None}, "split: missing"),
        ({"text": None, "audio": None}, "no modality"),
        ({"label": np.zeros(6)}, r"label: float64\[6\] instead of integers"),
        ({"label": np.zeros((6, 1), int)}, r"label: int64\[6, 1\] instead of integers"),
        ({"label_names": np.array([1, 2])}, r"label_names: int64\[2\] instead of strings"),
        ({"turn": np.arange(5)}, r"turn: int64\[5\], but label has 6 rows"),
        ({"speaker": np.arange(5)}, r"speaker: int64\[5\], but label has 6 rows"),
        ({"text": np.zeros((5, 2))}, "text: 5 rows, but label has 6"),
        ({"split": np.array(["train"] * 5 + ["valid"])}, "split: `valid`; use one of train, dev"),
        ({"split": np.zeros(6, int)}, r"split: int64\[6\] instead of strings"),
        ({"dialogue": np.array([0, 0, 1, 1, 2, 3])}, "dialogue: row 5 is 3, but 3 are named"),
        ({"speaker": np.array([0, 0, 1, 1, 2, -1])}, "speaker: row 5 is -1, but 5 are named"),
        ({"audio_present": np.ones(6)}, r"audio_present: float64\[6\] instead of bool\[6\]"),
        ({"audio_present": np.ones(5, bool)}, r"audio_present: bool\[5\] instead of bool\[6\]"),
        ({"votes": np.ones((6, 3))}, r"votes: float64\[6, 3\] instead of numbers \[6, 2\]"),
        ({"votes": np.array([["a"] * 2] * 6)}, r"votes: <U1\[6, 2\] instead of numbers"),
        ({"text": np.array([{}] * 6)}, r"text\.npy: Python objects"),
    ],
)
def test_what_is_not_of_the_layout_is_named(changes, message, tmp_path):
    with pytest.raises(UserError, match=rf"corpus\.npz: {message}"):
        read(written(tmp_path, **changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": np.array([0, 1, 2, 0, 1, 0])}, "1 utterance with an unknown label, first 2"),
        (
            {"split": np.array(["train", "test", "test", "dev", "dev", "test"])},
            r"1 conversations in more than one split, first `first` \(train and test\)",
        ),
        (
            {"dialogue_names": np.array(["first", "second", "third", "silent"])},
            "1 without an utterance, first `silent`",
        ),
        ({"turn": np.array([2, 1, 2, 1, 0, 0])}, "the same turn twice, in conversation `first`"),
        ({"text": np.full((6, 2), np.inf)}, "NaN or Inf in 6 utterances"),
        ({"audio_present": np.zeros(6, bool)}, "modality audio: missing everywhere"),
    ],
)
def test_what_the_whole_corpus_shows_is_left_to_the_check(changes, message, tmp_path):
    with pytest.raises(UserError, match=message):
        ensure_sound(read(written(tmp_path, **changes)))


def test_every_truncation_is_one_clear_line(tmp_path):
    whole = written(tmp_path).read_bytes()
    cut = tmp_path / "cut.npz"
    for length in range(0, len(whole), len(whole) // 20):
        cut.write_bytes(whole[:length])
        with pytest.raises(UserError, match=r"cut\.npz: "):
            read(cut)


def test_a_flipped_byte_is_found(tmp_path):
    file = tmp_path / "corpus.npz"
    np.savez(file, **arrays())
    content = bytearray(file.read_bytes())
    place = content.index(arrays()["text"].tobytes()) + 5
    content[place] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"truncated or damaged \.npz"):
        read(file)


@pytest.mark.parametrize("shape", ["(1000000000000, 2)", "(-6, -2)", "(6, 2, 2)", "'x'"])
def test_a_size_that_was_made_up_is_not_believed(shape, tmp_path):
    stream = io.BytesIO()
    np.save(stream, arrays()["text"])
    lied = stream.getvalue().replace(b"(6, 2), }", f"{shape}, }}".encode())
    if len(lied) > len(stream.getvalue()):  # the header is padded with spaces; keep its length
        lied = lied.replace(b" " * (len(lied) - len(stream.getvalue())) + b"\n", b"\n")
    file = tmp_path / "corpus.npz"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("text.npy", lied)
    with pytest.raises(UserError, match=r"its size is not the one it declares|damaged"):
        read(file)


def test_more_than_the_bound_is_refused_before_reading(tmp_path, monkeypatch):
    monkeypatch.setattr(numpy_file, "MAXIMUM_BYTES", 1000)
    with pytest.raises(UserError, match="at most 1000 of 1000 are read"):
        read(written(tmp_path))


def test_real_iemocap_has_the_published_counts_and_survives_the_store(shared_data, tmp_path):
    corpus = read(shared_data / "iemocap6.npz")
    assert [f.severity for f in problems(corpus)] == ["warning"]
    assert [int(corpus.items_in(s).sum()) for s in SPLITS] == [5163, 647, 1623]
    assert [len(corpus.conversations_in(s)) for s in SPLITS] == [108, 12, 31]
    assert len(corpus.persons) == 10
    supports = {s: np.bincount(corpus.label[corpus.items_in(s)]).tolist() for s in SPLITS}
    assert supports["test"] == [144, 245, 384, 170, 299, 381]
    assert supports["dev"] == [53, 68, 103, 102, 149, 172]
    together = np.add(supports["train"], supports["dev"])
    assert together.tolist() == [504, 839, 1324, 933, 742, 1468]
    assert {n: m.shape for n, m in corpus.modalities.items()} == {
        "text": (940,),
        "audio": (50,),
        "nonverbal": (16,),
    }

    store.save(corpus, tmp_path / "iemocap6")
    again = store.load(tmp_path / "iemocap6")
    for name, array in corpus.features.items():
        assert again.features[name].dtype == array.dtype
        np.testing.assert_array_equal(again.features[name], array)
        np.testing.assert_array_equal(again.present[name], corpus.present[name])
    for column in ("label", "person", "split", "conversation", "turn", "role"):
        np.testing.assert_array_equal(getattr(again, column), getattr(corpus, column))
    for field in ("name", "classes", "persons", "conversations", "provenance"):
        assert getattr(again, field) == getattr(corpus, field)


@pytest.mark.parametrize(
    ("name", "utterances", "classes", "persons"),
    [("mosi2", 2199, 2, 93), ("melddev7", 1108, 7, 47), ("meld7_text", 13708, 7, 304)],
)
def test_the_other_real_corpora_are_sound(name, utterances, classes, persons, shared_data):
    corpus = read(shared_data / f"{name}.npz")
    ensure_sound(corpus)
    assert (len(corpus), len(corpus.classes), len(corpus.persons)) == (utterances, classes, persons)
