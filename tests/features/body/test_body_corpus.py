import dataclasses

import numpy as np
import pytest

from fedaffect.corpus.check import problems
from fedaffect.errors import UserError
from fedaffect.features.body.body_corpus import body_corpus
from fedaffect.features.body.recording import Recording, Span, Stream
from fedaffect.features.body.windows import Windows
from fedaffect.schema import SPLITS, UNLABELLED

TEN = Windows(seconds=10)


def recording(person, *labels, sensors=("eda", "temperature"), name=None):
    """Twenty seconds a label, at a level of its own for each person and label."""
    levels = np.repeat([len(person) + len(label or "") for label in labels], 80)
    streams = {s: Stream(levels.astype(np.float32), 4.0) for s in sensors}
    spans = tuple(Span(20 * i, 20 * i + 20, x) for i, x in enumerate(labels) if x)
    return Recording(person, name or person, streams, spans)


def test_by_hand():
    corpus = body_corpus(
        [
            recording("bob", "stress", "calm", sensors=("eda",)),
            recording("ann", "calm"),
            recording("bob", "calm", sensors=("temperature",)),
        ],
        TEN,
        name="worn",
        split={"bob": "test"},
    )
    assert corpus.classes == ("calm", "stress")
    assert corpus.persons == ("ann", "bob")
    assert corpus.label.tolist() == [1, 1, 0, 0, 0, 0, 0, 0]
    assert corpus.person.tolist() == [1, 1, 1, 1, 0, 0, 1, 1]
    assert [SPLITS[s] for s in corpus.split] == ["test"] * 4 + ["train"] * 2 + ["test"] * 2
    assert {m: (a.shape, a.dtype) for m, a in corpus.features.items()} == {
        "eda": ((8, 10), np.float32),
        "temperature": ((8, 5), np.float32),
    }
    assert corpus.present["eda"].tolist() == [True] * 6 + [False] * 2
    assert corpus.present["temperature"].tolist() == [False] * 4 + [True] * 4
    assert corpus.features["temperature"][:, 0].tolist() == [0, 0, 0, 0, 7, 7, 7, 7]
    assert corpus.provenance.reader == "body signals: sensor features of windows of 10 s"
    assert len(corpus.provenance.sha256) == 64
    assert corpus.provenance.pairing == "recorded"
    assert corpus.conversations == (
        *("bob from 0 s", "bob from 10 s", "bob from 20 s", "bob from 30 s"),
        *("ann from 0 s", "ann from 10 s", "bob (2) from 0 s", "bob (2) from 10 s"),
    )
    assert not [problem for problem in problems(corpus) if problem.severity == "error"]


def test_recordings_may_come_one_by_one():
    came = (recording(person, "calm") for person in ("ann", "bob"))
    assert len(body_corpus(came, TEN, name="worn")) == 4


def test_other_classes_are_left_out_and_their_order_is_as_given():
    corpus = body_corpus(
        [recording("ann", "calm", "stress", "joy")], TEN, name="worn", classes=("stress", "calm")
    )
    assert corpus.classes == ("stress", "calm")
    assert corpus.label.tolist() == [1, 1, 0, 0]


def test_unlabelled_recordings_beside_labelled_ones():
    unlabelled = dataclasses.replace(recording("eve", "calm"), spans=())
    corpus = body_corpus([recording("ann", "calm"), unlabelled], TEN, name="worn")
    assert corpus.label.tolist() == [0, 0, UNLABELLED, UNLABELLED]


def test_recordings_for_a_model_learnt_elsewhere_need_classes_but_no_labels():
    unlabelled = dataclasses.replace(recording("eve", "calm"), spans=())
    corpus = body_corpus([unlabelled], TEN, name="worn", classes=("calm", "stress"))
    assert corpus.label.tolist() == [UNLABELLED, UNLABELLED]
    assert corpus.classes == ("calm", "stress")


def test_a_sensor_that_nobody_wore():
    two = dataclasses.replace(TEN, sensors=("eda", "ecg"))
    with pytest.raises(UserError, match="worn: no recording has `ecg`; leave it out"):
        body_corpus([recording("ann", "calm", "stress")], two, name="worn")


def test_provenance_of_several_folders_tells_files_of_one_name_apart(tmp_path):
    came = []
    for person in ("ann", "bob"):
        file = tmp_path / "week" / person / "EDA.csv"
        file.parent.mkdir(parents=True)
        file.write_text(person)
        came.append(dataclasses.replace(recording(person, "calm"), files=(file,)))
    corpus = body_corpus(came, TEN, name="worn")
    assert corpus.provenance.source == "week: 2 files"
    (tmp_path / "week" / "bob" / "EDA.csv").write_text("ann")
    assert body_corpus(came, TEN, name="worn").provenance.sha256 != corpus.provenance.sha256


def test_provenance_names_and_hashes_what_was_read(tmp_path):
    file = tmp_path / "S2.pkl"
    file.write_bytes(b"signals")
    read = dataclasses.replace(recording("S2", "calm", "calm"), files=(file,))
    corpus = body_corpus([read], Windows(seconds=5, baseline_minutes=0.25), name="worn")
    assert corpus.provenance.source == "S2.pkl"
    assert corpus.provenance.reader.endswith("relative to each recording's first 0.25 min")


@pytest.mark.parametrize(
    ("recordings", "more", "message"),
    [
        ([], {}, "worn: no window of 10 s .* labelled anything"),
        ([recording("ann", None)], {}, "worn: nothing is labelled; give labels .*, or the classes"),
        (
            [recording("ann", "calm")],
            {"classes": ()},
            "worn: no window of 10 s .* labelled anything",
        ),
        (
            [recording("ann", "calm")],
            {"classes": ("joy",)},
            "worn: no window of 10 s .* labelled joy",
        ),
        ([recording("ann", "calm")], {"split": {"bob": "test"}}, "nobody is called `bob`; .* ann"),
        (
            [recording("ann", "calm")],
            {"split": {"ann": "valid"}},
            "split: `valid` of ann; give one of",
        ),
    ],
)
def test_what_makes_no_corpus(recordings, more, message):
    with pytest.raises(UserError, match=message):
        body_corpus(recordings, TEN, name="worn", **more)


def test_spans_shorter_than_a_window_make_no_corpus():
    with pytest.raises(UserError, match="no window of 30 s"):
        body_corpus([recording("ann", "calm")], Windows(seconds=30), name="worn")
