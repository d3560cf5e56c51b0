import csv
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedaffect.corpus.check import ensure_sound, problems
from fedaffect.errors import UserError
from fedaffect.importing import Options, Source, read
from fedaffect.importing.readers import manifest
from fedaffect.schema import SPLITS

FILE = Path("x.csv")


def row(conversation, turn, person, label, split, text, **more):
    keys = {"conversation": conversation, "turn": turn, "person": person, "label": label}
    return keys | {"split": split, "feature.text": text} | more


@pytest.fixture
def rows():
    """Two conversations; the second is out of order, and Bob's first line has no text."""
    return [
        row("b", 1, "ann", "sad", "test", "5 6"),
        row("b", 0, "bob", "happy", "test", ""),
        row("a", 0, "bob", "happy", "train", "1 2"),
        row("a", 1, "ann", "", "train", "3 4"),
    ]


def read_rows(rows):
    source = Source(__file__)
    source.rows = [*enumerate(rows, 2)]
    return manifest.Manifest().read(source, Options())


def write_csv(file, rows):
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def test_a_csv_by_hand(rows, tmp_path):
    corpus = read(write_csv(tmp_path / "mine.csv", rows))
    ensure_sound(corpus)
    assert corpus.name == "mine"
    assert corpus.classes == ("happy", "sad")
    assert corpus.conversations == ("a", "b")
    assert corpus.persons == ("ann", "bob")
    assert corpus.conversation.tolist() == [0, 0, 1, 1]
    assert corpus.turn.tolist() == [0, 1, 0, 1]
    assert corpus.label.tolist() == [0, -1, 0, 1]
    assert corpus.person.tolist() == [1, 0, 1, 0]
    assert corpus.role.tolist() == [0, 1, 0, 1]  # by first appearance: Bob begins in both
    assert [SPLITS[s] for s in corpus.split] == ["train", "train", "test", "test"]
    assert corpus.features["text"].tolist() == [[1, 2], [3, 4], [0, 0], [5, 6]]
    assert corpus.features["text"].dtype == np.float32
    assert corpus.present["text"].tolist() == [True, True, False, True]
    assert corpus.provenance.reader == "manifest"


def test_jsonl_and_csv_say_the_same(rows, tmp_path):
    expected = read(write_csv(tmp_path / "mine.csv", rows))
    for line in rows:
        line["feature.text"] = [float(n) for n in line["feature.text"].split()] or None
        line["label"] = line["label"] or None
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    corpus = read(tmp_path / "mine.jsonl")
    np.testing.assert_array_equal(corpus.features["text"], expected.features["text"])
    for column in ("label", "person", "split", "conversation", "turn", "role"):
        np.testing.assert_array_equal(getattr(corpus, column), getattr(expected, column))


def test_parquet_says_the_same(rows, tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="the `parquet` extra is not installed")
    writer = pytest.importorskip("pyarrow.parquet")
    expected = read(write_csv(tmp_path / "mine.csv", rows))
    for line in rows:
        line["feature.text"] = [float(n) for n in line["feature.text"].split()] or None
    writer.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "mine.parquet")
    corpus = read(tmp_path / "mine.parquet")
    np.testing.assert_array_equal(corpus.features["text"], expected.features["text"])
    assert corpus.label.tolist() == expected.label.tolist()


def test_paths_are_from_the_folder_of_the_manifest(rows, tmp_path):
    (tmp_path / "audio").mkdir()
    for number, line in enumerate(rows):
        np.save(tmp_path / f"audio/{number}.npy", np.full(3, number, np.float64))
        line["feature.audio"] = f"audio/{number}.npy" if number else ""
    corpus = read(write_csv(tmp_path / "mine.csv", rows))
    assert corpus.features["audio"].tolist() == [[2] * 3, [3] * 3, [1] * 3, [0] * 3]
    assert corpus.present["audio"].tolist() == [True, True, True, False]


def test_texts_and_times_are_left_out_and_named(rows):
    for line in rows:
        line |= {"text": "a private sentence", "start": "0.5"}
    corpus = read_rows(rows)
    assert list(corpus.modalities) == ["text"]
    assert corpus.provenance.reader == "manifest; not read: start, text"
    assert "private" not in repr(corpus)


def test_whole_numbers_as_names_keep_their_order(rows):
    for line, label in zip(rows, ["10", 2, "2", 10.0], strict=True):
        line["label"] = label
    corpus = read_rows(rows)
    assert corpus.classes == ("2", "10")
    assert corpus.label.tolist() == [0, 1, 0, 1]


def test_speaker_is_another_word_for_person_and_both_may_lack(rows):
    renamed = [{"speaker": r["person"]} | {k: r[k] for k in r if k != "person"} for r in rows]
    assert read_rows(renamed).persons == ("ann", "bob")
    nobody = [{k: r[k] for k in r if k != "person"} | {"role": t} for t, r in enumerate(rows)]
    assert read_rows(nobody).persons == ("a/role-2", "a/role-3", "b/role-0", "b/role-1")
    with pytest.raises(UserError, match="two names of one column"):
        read_rows([r | {"speaker": "x"} for r in rows])


@pytest.mark.parametrize("column", manifest.REQUIRED)
def test_a_column_that_lacks_is_named(column, rows):
    with pytest.raises(UserError, match=f"{column}: no such column; a manifest needs conversation"):
        read_rows([{k: r[k] for k in r if k != column} for r in rows])


def test_a_manifest_without_features_cannot_be_learnt_from(rows):
    with pytest.raises(UserError, match=r"no modality: no column is named `feature\.text`"):
        read_rows([{k: r[k] for k in r if k != "feature.text"} | {"text": "hello"} for r in rows])
    with pytest.raises(UserError, match=r"feature\.text: empty everywhere"):
        read_rows([r | {"feature.text": " "} for r in rows])


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("turn", "1.5", "'1.5' is no whole number"),
        ("turn", "", "'' is no whole number"),
        ("turn", None, "'None' is no whole number"),
        ("turn", "1e300", "'1e300' is no whole number"),
        ("turn", "nan", "'nan' is no whole number"),
        ("turn", True, "'True' is no whole number"),
        ("conversation", " ", "empty"),
        ("conversation", ["a"], "neither text nor a whole number"),
        ("conversation", "x" * 501, "501 letters; at most 500"),
        ("person", None, "empty"),
        ("person", False, "neither text nor a whole number"),
        ("label", 0.5, "neither text nor a whole number"),
        ("feature.text", "1 2 3", "3 wide, but 2 in line 2: feature.text; give all one width"),
        ("feature.text", "hello there", "neither a path of an .npy file nor numbers"),
        ("feature.text", "0,5 0,6", "neither a path of an .npy file nor numbers"),
        ("feature.text", [], "neither a path of an .npy file nor numbers"),
        ("feature.text", [1, "2"], "neither a path of an .npy file nor numbers"),
        ("feature.text", [True, False], "neither a path of an .npy file nor numbers"),
        ("feature.text", [10**400, 1], "neither a path of an .npy file nor numbers"),
        ("feature.text", 3.0, "neither a path of an .npy file nor numbers"),
        ("feature.text", {"a": 1}, "neither a path of an .npy file nor numbers"),
        ("feature.text", "gone.npy", r".*gone\.npy: no such file; give a path from the folder"),
    ],
)
def test_a_wrong_cell_is_named_by_line_and_column(column, cell, message, rows):
    rows[3][column] = cell
    with pytest.raises(UserError, match=rf"test_manifest\.py: line 5: {column}: {message}"):
        read_rows(rows)


def test_an_unknown_split(rows):
    rows[0]["split"] = "valid"
    with pytest.raises(UserError, match="split: `valid`; use one of train, dev, test"):
        read_rows(rows)


def test_nan_and_inf_are_left_to_the_check(rows):
    rows[2]["feature.text"], rows[3]["feature.text"] = "nan 1", "1e300 1"
    assert "NaN or Inf in 2 utterances" in problems(read_rows(rows))[0].message


def test_too_wide_for_memory(rows, monkeypatch):
    monkeypatch.setattr("fedaffect.corpus.formats.assemble.MAXIMUM_BYTES", 31)
    with pytest.raises(UserError, match=r"feature\.text: 2 wide; too many for memory"):
        read_rows(rows)


numbers = st.lists(
    st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=3, max_size=3
)


@given(st.lists(numbers, min_size=1, max_size=5))
def test_inline_numbers_come_back_to_the_bit(vectors):
    rows = [
        row("a", turn, "ann", "x", "train", " ".join(map(repr, vector)))
        for turn, vector in enumerate(vectors)
    ]
    with tempfile.TemporaryDirectory() as folder:
        corpus = read(write_csv(Path(folder) / "x.csv", rows))
    np.testing.assert_array_equal(corpus.features["text"], np.array(vectors, np.float32))
