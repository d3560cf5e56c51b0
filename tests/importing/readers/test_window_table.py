import contextlib
import gzip
import itertools
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.corpus.check import ensure_sound, problems
from fedaffect.errors import UserError
from fedaffect.importing import Options, read
from fedaffect.importing.readers import window_table
from fedaffect.schema import SPLITS, UNLABELLED

TABLE = """\
who,state,EDA_mean,EDA_slope,TEMP_mean,age
10,calm,1.5,0,33,27
10,stress,2.5,1,34,27
2,calm,3.5,0,,30
2,,4.5,2,35,30
2,stress,5.5,3,36,30
"""
LONG = TABLE + "".join(TABLE.splitlines(keepends=True)[1:]) * 3


def columns(person, label=None, modalities=None, leave_out=None, classes=None):
    named = {"person": person, "label": label, "modalities": modalities}
    return Options(**named, leave_out=leave_out, classes=classes)


MINE = columns("who", "state", leave_out=("age",))


def written(folder, text=TABLE):
    file = Path(folder) / "worn.csv"
    file.write_text(text)
    return file


@pytest.fixture
def file(tmp_path):
    return written(tmp_path)


def test_by_hand(file):
    corpus = read(file, MINE)
    ensure_sound(corpus)
    assert (corpus.name, corpus.classes, corpus.persons) == (
        "worn",
        ("calm", "stress"),
        ("2", "10"),
    )
    assert corpus.label.tolist() == [0, 1, 0, UNLABELLED, 1]
    assert corpus.person.tolist() == [1, 1, 0, 0, 0]
    assert {SPLITS[s] for s in corpus.split} == {"train"}
    assert corpus.features["EDA"].tolist() == [[1.5, 0], [2.5, 1], [3.5, 0], [4.5, 2], [5.5, 3]]
    assert corpus.features["TEMP"].tolist() == [[33], [34], [0], [35], [36]]
    assert {m: a.dtype for m, a in corpus.features.items()} == {"EDA": "f4", "TEMP": "f4"}
    assert corpus.present["TEMP"].tolist() == [True, True, False, True, True]
    assert corpus.present["EDA"].all()
    assert corpus.conversations[:3] == ("10 window 1", "10 window 2", "2 window 1")
    assert corpus.provenance.reader == (
        "table of windows, person `who`, label `state`; not read: age; "
        "split by person with seed 0: 0 for dev, 0 for test"
    )


def test_packed_and_other_kinds_of_table_say_the_same(file, tmp_path):
    expected = read(file, MINE)
    packed = tmp_path / "worn.csv.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    header, *lines = (line.split(",") for line in TABLE.splitlines())
    rows = [dict(zip(header, line, strict=True)) for line in lines]
    for row in rows:
        row |= {"EDA_mean": float(row["EDA_mean"]), "TEMP_mean": row["TEMP_mean"] or None}
    other = tmp_path / "worn.jsonl"
    other.write_text("\n".join(map(json.dumps, rows)))
    for same in (packed, other):
        corpus = read(same, MINE)
        assert corpus.name == "worn"
        for modality, array in expected.features.items():
            np.testing.assert_array_equal(corpus.features[modality], array)
        np.testing.assert_array_equal(corpus.label, expected.label)


def test_some_modalities_and_some_classes(file):
    corpus = read(file, columns("who", "state", ("TEMP",), classes=("stress",)))
    assert list(corpus.features) == ["TEMP"]
    assert corpus.classes == ("stress",)
    assert corpus.label.tolist() == [0, UNLABELLED, 0]
    assert "EDA_mean" in corpus.provenance.reader


def test_classes_keep_the_order_in_which_they_are_given(file):
    corpus = read(file, columns("who", "state", ("EDA",), (), ("stress", "calm")))
    assert corpus.classes == ("stress", "calm")
    assert corpus.label.tolist() == [1, 0, 1, UNLABELLED, 0]


def test_row_numbers_that_a_program_wrote_are_no_feature(tmp_path):
    lines = TABLE.splitlines()
    numbered = [f",{lines[0]}", *(f"{i},{line}" for i, line in enumerate(lines[1:]))]
    corpus = read(written(tmp_path, "\n".join(numbered)), MINE)
    assert list(corpus.features) == ["EDA", "TEMP"]


def test_a_cell_that_lacks_in_a_modality_is_left_to_the_check(tmp_path):
    corpus = read(written(tmp_path, TABLE.replace("2.5,1", "2.5,")), MINE)
    assert [p.field for p in problems(corpus) if p.severity == "error"] == ["modality EDA"]


@pytest.mark.parametrize("table", [LONG, LONG.replace("34,27", "34,").replace("36,30", "36,")])
def test_what_tells_who_somebody_is_is_refused(table, tmp_path):
    """Also where some rows do not tell."""
    file = written(tmp_path, table)
    with pytest.raises(UserError, match=r"worn\.csv: age: one value for each person: it tells who"):
        read(file, columns("who", "state"))


@pytest.mark.parametrize("calm", [[0], [0, 7]])
def test_the_label_once_more_is_refused(calm, tmp_path):
    """As a code of classes, or of finer ones."""
    lines = LONG.splitlines()
    codes = {"calm": itertools.cycle(calm), "stress": itertools.repeat(1), "": itertools.count(100)}
    coded = [f"{line},{next(codes[line.split(',')[1]])}" for line in lines[1:]]
    file = written(tmp_path, "\n".join([f"{lines[0]},code", *coded]))
    with pytest.raises(UserError, match=r"code: one value for each class: .*--leave-out 'code'"):
        read(file, columns("who", "state", ("TEMP", "code")))


def test_what_never_changes_tells_nothing_and_is_let_be(tmp_path):
    """So that windows of one person can be read, whatever happens not to move in them."""
    one = "who,state,EDA_mean,TEMP_mean\n" + "ann,calm,1,33\nann,stress,2,33\n" * 10
    corpus = read(written(tmp_path, one), columns("who", "state", ("TEMP",)))
    assert corpus.features["TEMP"].tolist() == [[33]] * 20


def test_a_few_windows_may_agree_by_chance(file):
    assert "age" in read(file, columns("who", "state")).features


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            columns("subject", "state"),
            "subject: no such column; name it with --person; .* who, state",
        ),
        (columns("who"), "label: no such column; name it with --label; there are who"),
        (columns("who", "state", ("HR",)), "no column `HR_…`; there are columns of EDA, TEMP, age"),
        (columns("who", "state", (), ("ACC_*",)), r"--leave-out ACC_\*: no such column"),
        (columns("who", "state", None, ("*",)), "no column of features is left"),
        (columns("who", "age", classes=("joy",)), "age: no row is labelled joy; name the column"),
    ],
)
def test_columns_that_do_not_fit(options, message, file):
    with pytest.raises(UserError, match=rf"worn\.csv: {message}"):
        read(file, options)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "1.5",
            "high",
            "line 2: EDA_mean: 'high' is no number; mend the cell, or leave the column",
        ),
        ("\n2,,", "\n,,", "line 5: who: empty; mend the cell"),
        ("5.5,3,36,30", "5.5,3", "line 6: 4 cells instead of 6"),
    ],
)
def test_a_row_that_does_not_fit_is_named(old, new, message, tmp_path):
    with pytest.raises(UserError, match=rf"worn\.csv: {message}"):
        read(written(tmp_path, TABLE.replace(old, new)), MINE)


def test_a_table_without_a_label(tmp_path):
    bare = TABLE.replace("calm", "").replace("stress", "")
    with pytest.raises(UserError, match=r"worn\.csv: state: no row is labelled anything; name"):
        read(written(tmp_path, bare), MINE)
    told = columns("who", "state", ("EDA",), classes=("calm", "stress"))
    assert (read(written(tmp_path, bare), told).label == UNLABELLED).all()


def test_what_is_no_table(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(UserError, match=r"x\.npz: --person: only for tables of windows; leave it"):
        read(tmp_path / "x.npz", MINE)
    with pytest.raises(UserError, match="a folder, not a corpus file"):
        read(tmp_path, MINE)
    with pytest.raises(UserError, match=r"gone\.csv: no such file"):
        read(tmp_path / "gone.csv", MINE)


def test_bounds(file, monkeypatch):
    monkeypatch.setattr(window_table, "MAXIMUM_BYTES", 40)
    with pytest.raises(UserError, match="over 40 bytes of features; split the table"):
        read(file, MINE)


@contextlib.contextmanager
def one_line():
    """Nothing but a UserError of one line may come out."""
    raised = None
    try:
        yield
    except UserError as error:
        raised = str(error)
    assert "\n" not in (raised or "")


cells = st.sampled_from(["1", "2.5", "", "nan", "inf", "1e300", "x", "1_0", " 3 ", "-0"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", "", "3"]), cells, cells), max_size=6))
def test_a_table_of_anything_gives_a_corpus_or_one_line(rows):
    text = "who,state,EDA_a,EDA_b\n" + "".join(f"{w},{a},{a},{b}\n" for w, a, b in rows)
    with tempfile.TemporaryDirectory() as folder, one_line():
        corpus = read(written(folder, text), columns("who", "state"))
        assert len(corpus) == len(rows)


def test_the_wrist_of_wesad(shared_data):
    """30 columns, and nothing of who somebody is; the accelerometer is left aside."""
    file = shared_data / "wesad_wrist_30s.csv.gz"
    corpus = read(file, columns("subject", "label_name", ("BVP", "EDA", "Resp", "TEMP")))
    ensure_sound(corpus)
    assert (len(corpus), len(corpus.persons)) == (1178, 15)
    assert corpus.classes == ("amusement", "baseline", "stress")
    assert sum(m.shape[0] for m in corpus.modalities.values()) == 30
    with pytest.raises(UserError, match=r"age,height,weight,.*: one value for each person"):
        read(file, columns("subject", "label_name", leave_out=("label",)))
