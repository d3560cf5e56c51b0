"""Six small faces in an archive, whole and spoilt; and the real ones."""

import numpy as np
import pytest

from fedaffect.corpus import store
from fedaffect.corpus.check import ensure_sound
from fedaffect.corpus.formats.faces import FER2013, TAGS, USAGE
from fedaffect.errors import UserError
from fedaffect.importing import Options, read
from fedaffect.schema import SPLITS

FACES = np.random.default_rng(0).integers(0, 256, size=(6, 4, 5)).astype(np.uint8)


def arrays(**changes):
    content = {
        "pixels": FACES,
        "labels": np.array([3, 0, 6, 1, 2, 5], np.uint8),
        "split": np.array([0, 0, 1, 2, 0, 2], np.uint8),
        "classes": np.array(FER2013),
        "split_names": np.array(list(USAGE)),
        "ferplus_votes": np.eye(10, dtype=np.uint8)[:6] * 9,
        "ferplus_classes": np.array(TAGS),
        "csv_row": np.arange(6),
    }
    return {k: v for k, v in (content | changes).items() if v is not None}


def written(tmp_path, **changes):
    file = tmp_path / "faces.npz"
    np.savez_compressed(file, **arrays(**changes))
    return file


def test_the_arrays_row_by_row(tmp_path):
    corpus = read(written(tmp_path))
    ensure_sound(corpus)
    assert corpus.classes == FER2013
    assert corpus.label.tolist() == [3, 0, 6, 1, 2, 5]
    parts = ["train", "train", "dev", "test", "train", "test"]
    assert [SPLITS[s] for s in corpus.split] == parts
    np.testing.assert_array_equal(corpus.features["face"], FACES)
    assert (corpus.votes, corpus.provenance.reader) == (None, "FER2013 in an .npz")


def test_differences_are_summed_up(tmp_path):
    rows = np.diff(FACES, axis=2, prepend=np.uint8(0))
    delta = np.diff(rows, axis=1, prepend=np.uint8(0))
    corpus = read(written(tmp_path, pixels=None, delta=delta))
    np.testing.assert_array_equal(corpus.features["face"], FACES)


def test_names_decide_not_numbers(tmp_path):
    """Other orders of classes, of parts and of tags mean the same faces."""
    turned = read(
        written(
            tmp_path,
            labels=6 - arrays()["labels"],
            classes=np.array(FER2013[::-1]),
            split=2 - arrays()["split"],
            split_names=np.array([*USAGE][::-1]),
            ferplus_votes=arrays()["ferplus_votes"][:, ::-1],
            ferplus_classes=np.array(TAGS[::-1]),
        ),
        Options(votes=True),
    )
    plain = read(written(tmp_path), Options(votes=True))
    for column in ("label", "split", "votes"):
        np.testing.assert_array_equal(getattr(turned, column), getattr(plain, column))
    assert read(written(tmp_path)).label.tolist() == [3, 0, 6, 1, 2, 5]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pixels": FACES.astype(float)}, r"pixels: float64\[6, 4, 5\] instead of uint8"),
        ({"pixels": FACES[:, :, 0]}, r"pixels: uint8\[6, 4\] instead of uint8 \[faces, height"),
        ({"labels": np.zeros(5, int)}, r"labels: int64\[5\] instead of integers \[6\]"),
        ({"labels": np.full(6, 7)}, "labels: row 0 is 7, but 7 are named"),
        ({"labels": np.array([0, 1, -1, 0, 0, 0])}, "labels: row 2 is -1"),
        ({"split": np.full(6, 3)}, "split: row 0 is 3, but 3 are named"),
        ({"classes": np.arange(7)}, r"classes: int64\[7\] instead of strings"),
        ({"classes": np.array([*FER2013[:6], "bored"])}, "classes: 'bored'; use angry"),
        ({"split_names": np.array(["a", "b", "c"])}, "split_names: 'a'; use Training"),
        ({"ferplus_votes": None}, "ferplus_votes: missing; leave --votes out"),
        ({"ferplus_classes": np.array(["a"] * 10)}, "ferplus_classes: not neutral"),
        ({"ferplus_votes": np.ones((6, 9), np.uint8)}, r"ferplus_votes: uint8\[6, 9\] instead of"),
        ({"ferplus_votes": np.ones((6, 10))}, r"ferplus_votes: float64\[6, 10\] instead of"),
    ],
)
def test_what_does_not_fit_is_named(changes, message, tmp_path):
    with pytest.raises(UserError, match=rf"faces\.npz: {message}"):
        read(written(tmp_path, **changes), Options(votes=True))


def test_the_real_faces(shared_data, tmp_path):
    corpus = read(shared_data / "fer2013_ferplus_delta.npz", Options(name="fer2013"))
    ensure_sound(corpus)
    assert [int(corpus.items_in(s).sum()) for s in SPLITS] == [28709, 3589, 3589]
    counts = np.bincount(corpus.label[corpus.items_in("train")])
    assert counts.tolist() == [3995, 436, 4097, 7215, 4830, 3171, 4965]
    store.save(corpus, tmp_path / "fer2013")
    again = store.load(tmp_path / "fer2013")
    assert again.features["face"].dtype == np.uint8
    np.testing.assert_array_equal(again.features["face"], corpus.features["face"])
