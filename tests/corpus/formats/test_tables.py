import gzip
import json
import sys

import pytest

from fedaffect.corpus.formats import tables
from fedaffect.errors import UserError


def test_csv_cells_are_text(tmp_path):
    file = tmp_path / "x"
    file.write_bytes(b'\xef\xbb\xbfname, text\r\nann,"a, b"\r\n\r\nbob,"two\r\nlines"\r\n')
    assert tables.rows(file) == [
        (2, {"name": "ann", "text": "a, b"}),
        (5, {"name": "bob", "text": "two\r\nlines"}),
    ]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters(delimiter, tmp_path):
    file = tmp_path / "x"
    file.write_text(f"a{delimiter}b\n1,5{delimiter}2\n")
    assert tables.rows(file) == [(2, {"a": "1,5", "b": "2"})]


def test_jsonl_keeps_types(tmp_path):
    file = tmp_path / "x"
    file.write_text('{"a": [1, 2.5], "b": null}\n\n{"a": "x"}\n')
    assert tables.rows(file) == [(1, {"a": [1, 2.5], "b": None}), (3, {"a": "x"})]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2,3\n", "line 2: 3 cells instead of 2"),
        (b"a,b\n1\n", "line 2: 1 cells instead of 2"),
        (b"a,a\n1,2\n", "column `a` stands there twice"),
        (b'a,b\n"1,2\n', "line 2: no CSV"),
        (b"a,b\n", "no rows"),
        (b"a,b\n1,\xff\n", "not in UTF-8"),
        (b'{"a": 1}\n[2]\n', "line 2: no JSON object"),
        (b'{"a": 1}\n{"a": \n', "line 2: no JSON object"),
        (b'{"a": ' + b"[" * 100_000 + b"\n", "line 1: no JSON object"),
        (b"a,b\n1," + b"x" * (tables.MAXIMUM_CELL + 1) + b"\n", "line 2: no CSV"),
    ],
)
def test_what_is_no_table(content, message, tmp_path):
    file = tmp_path / "x.csv"
    file.write_bytes(content)
    with pytest.raises(UserError, match=rf"x\.csv: {message}"):
        tables.rows(file)


@pytest.mark.parametrize("text", ["a,b\n1,2\n", '{"a": "1", "b": "2"}\n'])
def test_a_packed_table(text, tmp_path):
    file = tmp_path / "x"
    file.write_bytes(gzip.compress(text.encode()))
    assert tables.rows(file)[0][1] == {"a": "1", "b": "2"}


def test_a_damaged_or_swollen_packed_table(tmp_path, monkeypatch):
    file = tmp_path / "x.csv.gz"
    whole = gzip.compress(b"a,b\n" + b"1,2\n" * 1000)
    for damaged in (whole[:5], whole[:-9], whole[:20] + b"\xff" + whole[21:]):
        file.write_bytes(damaged)
        with pytest.raises(UserError, match=r"x\.csv\.gz: truncated or damaged gzip"):
            tables.rows(file)
    file.write_bytes(whole)
    assert len(whole) < 100
    monkeypatch.setattr(tables, "MAXIMUM_BYTES", 100)
    with pytest.raises(UserError, match="4004 bytes; tables of at most 100 are read"):
        tables.rows(file)


def test_bounds(tmp_path, monkeypatch):
    file = tmp_path / "x"
    file.write_text("a,b\n" + "1,2\n" * 4)
    monkeypatch.setattr(tables, "MAXIMUM_ROWS", 3)
    with pytest.raises(UserError, match="more than 3 rows"):
        tables.rows(file)
    monkeypatch.setattr(tables, "MAXIMUM_BYTES", 10)
    with pytest.raises(UserError, match="20 bytes; tables of at most 10 are read"):
        tables.rows(file)


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    file = tmp_path / "x.parquet"
    file.write_bytes(b"PAR1 and so on")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UserError, match=r"`parquet` extra .* pip install 'fedaffect\[parquet\]'"):
        tables.rows(file)


@pytest.fixture
def parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="the `parquet` extra is not installed")
    writer = pytest.importorskip("pyarrow.parquet")

    def write(rows):
        writer.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "x.parquet")
        return tmp_path / "x.parquet"

    return write


def test_parquet_keeps_types(parquet):
    rows = [{"a": [1.0, 2.5], "b": None}, {"a": None, "b": "x"}]
    assert tables.rows(parquet(rows)) == list(enumerate(rows, 1))


def test_damaged_and_large_parquet(parquet, monkeypatch):
    file = parquet([{"a": 1}] * 9)
    whole = file.read_bytes()
    for kept in (8, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:kept])
        with pytest.raises(UserError, match="truncated or damaged Parquet"):
            tables.rows(file)
    file.write_bytes(whole)
    monkeypatch.setattr(tables, "MAXIMUM_ROWS", 8)
    with pytest.raises(UserError, match=r"9 rows of .* at most 8 of"):
        tables.rows(file)


def test_json_with_nan_is_left_to_the_check(tmp_path):
    (tmp_path / "x").write_text(json.dumps({"a": [float("nan")]}) + "\n")
    [(_, row)] = tables.rows(tmp_path / "x")
    assert row["a"][0] != row["a"][0]
