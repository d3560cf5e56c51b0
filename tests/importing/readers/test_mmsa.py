import numpy as np
import pytest

from fedaffect.corpus.check import ensure_sound, problems
from fedaffect.errors import UserError
from fedaffect.importing import Options, read
from fedaffect.schema import SPLITS


def part(videos, labels):
    """Two clips a video, stored out of order; every stream has three steps of two columns."""
    ids = [f"{video}$_${clip}" for video in videos for clip in (10, 2)]
    n = len(ids)
    steps = np.arange(n * 6, dtype=np.float32).reshape(n, 3, 2) + 1
    return {
        "id": ids,
        "raw_text": ["a private sentence"] * n,
        "text": steps.copy(),
        "audio": steps.copy(),
        "vision": steps.copy(),
        "classification_labels": np.array(labels, np.float64),
        "annotations": [("Negative", "Neutral", "Positive")[label] for label in labels],
        "regression_labels": np.array(labels, np.float64) - 1,
        "audio_lengths": [3] * n,
    }


@pytest.fixture
def content():
    return {
        "train": part(["v$_$2", "v1"], [0, 1, 2, 0]),
        "valid": part(["v3"], [2, 2]),
        "test": part(["v4"], [1, 0]),
    }


@pytest.fixture
def read_back(content, pickles, tmp_path):
    return lambda: read(pickles.write(tmp_path / "mosi.pkl", content))


def test_by_hand(read_back):
    corpus = read_back()
    ensure_sound(corpus)
    assert corpus.name == "mosi"
    assert corpus.classes == ("negative", "neutral", "positive")
    assert corpus.conversations == corpus.persons == ("v$_$2", "v1", "v3", "v4")
    assert corpus.turn.tolist() == [2, 10] * 4  # by number, not as they are stored
    assert corpus.label.tolist() == [1, 0, 0, 2, 2, 2, 0, 1]
    assert corpus.role.tolist() == [0] * 8
    assert [SPLITS[corpus.split[corpus.rows(c).start]] for c in range(4)] == [
        *("train", "train", "dev", "test"),
    ]
    # Clip 2 of the first video holds 7 … 12: columns 7, 9, 11 and 8, 10, 12.
    for stream in ("text", "audio", "vision"):
        assert corpus.features[stream][0].tolist() == [9, 10]
        assert corpus.features[stream].dtype == np.float32
    reader = corpus.provenance.reader
    assert "MMSA pickle: a dictionary of train, valid, test" in reader
    assert "means over real steps of text, audio, vision" in reader
    assert "not read: audio_lengths, raw_text" in reader
    assert "private" not in repr(corpus)


def test_padding_is_no_step_wherever_it_stands(content, read_back):
    content["valid"]["vision"][0] = [[0, 0], [0, 5], [4, 7]]
    content["valid"]["vision"][1] = [[2, 2], [0, 0], [0, 0]]
    corpus = read_back()
    assert corpus.features["vision"][corpus.rows(2)].tolist() == [[2, 2], [2, 6]]


def test_a_sequence_of_nothing_is_a_missing_modality(content, read_back):
    content["test"]["audio"][0] = 0
    corpus = read_back()
    ensure_sound(corpus)
    assert corpus.present["audio"].tolist() == [*[True] * 7, False]
    assert corpus.present["text"].all()


def test_the_mask_of_tokens_decides_for_text(content, read_back):
    for some in content.values():
        some["text_bert"] = np.ones((len(some["id"]), 3, 3), np.int64)
    content["valid"]["text_bert"][0, 1] = [1, 0, 0]  # clip 10; its text is 1 … 6
    corpus = read_back()
    assert corpus.features["text"][corpus.rows(2)].tolist() == [[9, 10], [1, 2]]
    assert corpus.features["audio"][corpus.rows(2)].tolist() == [[9, 10], [3, 4]]


def test_values_that_are_not_finite_are_left_out_and_counted(content, read_back):
    content["valid"]["audio"][0] = [[-np.inf, 1], [2, 3], [4, np.nan]]
    corpus = read_back()
    ensure_sound(corpus)
    assert corpus.features["audio"][corpus.rows(2)][1].tolist() == [3, 2]
    assert "2 values of audio not finite, left out" in corpus.provenance.reader


def test_a_column_without_a_finite_value_is_left_to_the_check(content, read_back):
    content["valid"]["audio"][0, :, 0] = -np.inf
    assert [p.field for p in problems(read_back()) if p.severity == "error"] == ["modality audio"]


def test_vectors_are_taken_as_they_are(content, read_back):
    for some in content.values():
        some["vision"] = some["vision"][:, 0]
    corpus = read_back()
    assert corpus.features["vision"][corpus.rows(2)].tolist() == [[7, 8], [1, 2]]
    assert "means over real steps of text, audio;" in corpus.provenance.reader


def test_without_classes_the_sign_of_the_regression_label_decides(content, read_back):
    for some in content.values():
        del some["classification_labels"]
    content["valid"]["regression_labels"] = np.array([[0.2], [-3.0]])
    corpus = read_back()
    assert corpus.classes == ("negative", "neutral", "positive")
    assert corpus.label[corpus.rows(2)].tolist() == [0, 2]
    assert "label: sign of regression_labels" in corpus.provenance.reader


def test_without_annotations_classes_are_numbers(content, read_back):
    for some in content.values():
        del some["annotations"]
    assert read_back().classes == ("0", "1", "2")


def test_a_stream_that_one_split_lacks_is_left_out(content, read_back):
    del content["test"]["vision"]
    corpus = read_back()
    assert list(corpus.modalities) == ["audio", "text"]
    assert "vision" in corpus.provenance.reader.partition("not read: ")[2]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("id", None, r"test: id: not a list of texts"),
        ("id", ["v4", "v5"], r"test: id: `v4` is not `video\$_\$clip`"),
        ("id", ["v4$_$1"], r"test: \w+: 2 rows for 1 ids"),
        ("text", "hello", r"test: text: .* not 2-dimensional or 3-dimensional numbers"),
        ("text", [[1.0], [1.0, 2.0]], r"test: text: .* not 2-dimensional or 3-dimensional"),
        ("text", np.zeros((2, 3, 0)), r"test: text: \[2, 3, 0\] is empty"),
        ("audio", np.ones((2, 3, 5)), r"audio: widths differ between splits: \[2, 5\]"),
        ("audio", np.ones((3, 3, 2)), r"test: audio: 3 rows for 2 ids"),
        ("classification_labels", [0.5, 1], r"test: classification_labels: not one whole number"),
        ("classification_labels", [-1, 1], r"test: classification_labels: not one whole number"),
        ("classification_labels", [np.nan, 1], r"test: classification_labels: not one whole"),
        ("classification_labels", [10**6, 1], r"test: classification_labels: not one whole"),
        (
            "annotations",
            ["Negative", "Neutral"],
            r"annotations: label \d is called negative and neu",
        ),
    ],
)
def test_fields_that_disagree_are_named(field, value, message, content, read_back):
    content["test"][field] = value
    with pytest.raises(UserError, match=r"mosi\.pkl: " + message):
        read_back()


def test_no_label_at_all(content, read_back):
    for some in content.values():
        del some["classification_labels"]
    del content["valid"]["regression_labels"]
    with pytest.raises(UserError, match="valid: classification_labels: missing, and regression"):
        read_back()


def test_no_utterance_at_all(content, read_back):
    for some in content.values():
        some["id"] = []
    with pytest.raises(UserError, match="id: no utterances"):
        read_back()


def test_a_family_is_no_matter_of_mmsa(content, pickles, tmp_path):
    file = pickles.write(tmp_path / "x.pkl", content)
    with pytest.raises(UserError, match="--family: only for feature pickles"):
        read(file, Options(family="sdt-meld"))


def test_real_utterances_in_this_layout_come_back(shared_data, pickles, tmp_path):
    """CMU-MOSI, put into MMSA's layout with two padded steps; the neutral reader says what is right."""
    expected = read(shared_data / "mosi2.npz", Options(modalities=["audio", "text"]))
    where = {"train": "train", "valid": "dev", "test": "test"}
    content = {}
    for split, ours in where.items():
        rows = np.flatnonzero(expected.items_in(ours))
        streams = {
            m: a[rows][:, None] * np.array([1, 1, 0])[:, None] for m, a in expected.features.items()
        }
        names = [expected.conversations[expected.conversation[row]] for row in rows]
        content[split] = streams | {
            "id": [f"{n}$_${expected.turn[r]}" for n, r in zip(names, rows, strict=True)],
            "classification_labels": expected.label[rows],
        }
    corpus = read(pickles.write(tmp_path / "x.pkl", content))
    names = [expected.conversations[c] for c in expected.conversation]
    order = sorted(range(len(names)), key=lambda row: (names[row], row))
    assert corpus.label.tolist() == expected.label[order].tolist()
    assert corpus.split.tolist() == expected.split[order].tolist()
    np.testing.assert_allclose(
        corpus.features["audio"], expected.features["audio"][order], rtol=1e-6
    )
