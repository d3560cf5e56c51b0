"""A table of three faces, whole and spoilt."""

import numpy as np
import pytest

from fedaffect.corpus.check import ensure_sound
from fedaffect.corpus.formats import faces, tables
from fedaffect.errors import UserError
from fedaffect.importing import Options, read
from fedaffect.schema import SPLITS, UNLABELLED

SIDE = 48
FACES = np.arange(3 * SIDE * SIDE).reshape(3, SIDE, SIDE) % 256
ROWS = [(3, "Training"), (0, "PublicTest"), (6, "PrivateTest")]
TICKS = {
    "Training": {"happiness": 8, "contempt": 2},
    "PublicTest": {"unknown": 6, "anger": 4},
    "PrivateTest": {"neutral": 5, "sadness": 5},
}


def written(tmp_path, lines=None, header="emotion,pixels,Usage"):
    file = tmp_path / "fer2013.csv"
    file.write_text("\n".join([header, *(lines or table())]) + "\n")
    return file


def table():
    return [f"{e},{' '.join(map(str, f.flat))},{u}" for (e, u), f in zip(ROWS, FACES, strict=True)]


def with_votes(file, rows=None, tags=faces.TAGS):
    rows = rows or list(TICKS.items())
    lines = [
        ",".join([usage, "fer0.png", *(str(ticks.get(t, 0)) for t in tags)])
        for usage, ticks in rows
    ]
    header = ",".join(["Usage", "Image name", *tags])
    file.with_name("fer2013new.csv").write_text("\n".join([header, *lines]) + "\n")
    return file


def test_every_face_is_a_conversation_of_one(tmp_path):
    corpus = read(written(tmp_path))
    ensure_sound(corpus)
    assert corpus.name == "fer2013"
    assert corpus.classes == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    assert corpus.label.tolist() == [3, 0, 6]
    assert [SPLITS[s] for s in corpus.split] == ["train", "dev", "test"]
    assert corpus.conversations == ("face-0", "face-1", "face-2")
    assert (corpus.persons, corpus.roles) == (("unknown",), 1)
    assert corpus.features["face"].dtype == np.uint8
    np.testing.assert_array_equal(corpus.features["face"], FACES)
    assert corpus.votes is None
    assert corpus.provenance.reader == "fer2013.csv"


def test_columns_may_stand_in_another_order_with_spaces(tmp_path):
    lines = [",".join([e, u, p]) for e, p, u in (line.split(",") for line in table())]
    corpus = read(written(tmp_path, lines, "emotion, Usage, pixels"))
    np.testing.assert_array_equal(corpus.features["face"], FACES)


@pytest.mark.parametrize(
    ("emotion", "pixels", "usage", "message"),
    [
        ("7", "0 " * 2304, "Training", "emotion: '7'; use a whole number of 0 to 6"),
        ("-1", "0 " * 2304, "Training", "emotion: '-1'"),
        ("1.0", "0 " * 2304, "Training", "emotion: '1.0'"),
        ("²", "0 " * 2304, "Training", "emotion: '²'"),
        ("", "0 " * 2304, "Training", "emotion: ''"),
        ("1", "0 " * 2303, "Training", "pixels: 2303 numbers instead of 48 × 48"),
        ("1", "0 " * 2500, "Training", "pixels: 2500 numbers instead of 48 × 48"),
        ("1", "256 " * 2304, "Training", "pixels: not all are whole numbers of 0 to 255"),
        ("1", "-1 " * 2304, "Training", "pixels: not all are whole"),
        ("1", "1.5 " * 2304, "Training", "pixels: not all are whole"),
        ("1", "0 " * 2304, "Test", "Usage: 'Test'; use one of Training, PublicTest, PrivateTest"),
    ],
)
def test_a_wrong_row_is_named(emotion, pixels, usage, message, tmp_path):
    file = written(tmp_path, [*table(), f"{emotion},{pixels},{usage}"])
    with pytest.raises(UserError, match=rf"fer2013\.csv: line 5: {message}"):
        read(file)


def test_every_cut_through_a_row_is_one_clear_line(tmp_path):
    """Where a table is cut between two rows it is a shorter one."""
    whole = written(tmp_path).read_text()
    cuts = range(len("emotion,pixels,Usage\n") + 1, len(whole) - 5, 501)
    for length in (cut for cut in cuts if whole[cut - 1] != "\n" != whole[cut]):
        (tmp_path / "fer2013.csv").write_text(whole[:length])
        with pytest.raises(UserError, match=r"fer2013\.csv: line \d: "):
            read(tmp_path / "fer2013.csv")


def test_more_rows_than_the_bound_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MAXIMUM_ROWS", 2)
    with pytest.raises(UserError, match="more than 2 rows"):
        read(written(tmp_path))


# --- FER+ ----------------------------------------------------------------------------------------


def test_votes_decide_on_labels_and_stand_beside_them(tmp_path):
    corpus = read(with_votes(written(tmp_path)), Options(votes=True))
    ensure_sound(corpus)
    assert corpus.classes == faces.FERPLUS == (*corpus.classes[:7], "contempt")
    # Unknown to most, and the first of two equals.
    assert corpus.label.tolist() == [3, UNLABELLED, 6]
    assert corpus.votes.tolist() == [
        [0, 0, 0, 8, 0, 0, 0, 2],
        [4, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 5, 0, 5, 0],
    ]
    assert corpus.provenance.reader == "fer2013.csv; labels by the votes of FER+"
    assert "fer2013new.csv" in corpus.provenance.source


def test_nobody_saw_anything():
    label, votes = faces.majority(np.zeros((1, 10), np.uint8))
    assert label.tolist() == [UNLABELLED]
    assert votes.tolist() == [[0] * 8]


def test_each_tag_is_its_class():
    label, votes = faces.majority(np.eye(10, dtype=np.uint8))
    names = [faces.FERPLUS[k] if k != UNLABELLED else None for k in label]
    expected = ["neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt"]
    assert names == [*expected, None, None]
    assert votes.argmax(axis=1)[:8].tolist() == label[:8].tolist()


def test_without_their_file_there_are_no_votes(tmp_path):
    with pytest.raises(UserError, match=r"fer2013new\.csv: no such file; --votes needs it"):
        read(written(tmp_path), Options(votes=True))


@pytest.mark.parametrize(
    ("rows", "tags", "message"),
    [
        ([("Training", {})], faces.TAGS, "1 rows, but there are 3 faces"),
        ([(u, {}) for _, u in ROWS], faces.TAGS[:-1], "NF: no such column"),
        ([("Training", {})] * 3, faces.TAGS, "line 3: Usage: not that of face 1"),
        ([(u, {"fear": -1}) for _, u in ROWS], faces.TAGS, "line 2: fear: '-1'; use a whole"),
        ([(u, {"fear": 999}) for _, u in ROWS], faces.TAGS, "line 2: fear: '999'"),
    ],
)
def test_votes_of_other_faces_are_refused(rows, tags, message, tmp_path):
    with pytest.raises(UserError, match=rf"fer2013new\.csv: {message}"):
        read(with_votes(written(tmp_path), rows, tags), Options(votes=True))


def test_votes_are_no_matter_of_other_files(tmp_path):
    (tmp_path / "x.csv").write_text(
        "conversation,turn,label,split,feature.text\na,0,calm,train,1 2\n"
    )
    with pytest.raises(UserError, match=r"--votes: only for FER2013 with the votes of FER\+"):
        read(tmp_path / "x.csv", Options(votes=True))
