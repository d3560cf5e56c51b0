"""What readers are handed."""

import gzip

import numpy as np
import pytest

from fedaffect.importing import Source


@pytest.mark.parametrize(
    ("path", "name"),
    [("talk.npz", "talk"), ("talk.csv.gz", "talk"), ("talk.v2.pkl", "talk.v2"), ("talk", "talk")],
)
def test_a_corpus_is_called_as_its_file(path, name, tmp_path):
    (tmp_path / path).touch()
    assert Source(tmp_path / path).name == name
    assert Source(tmp_path / path, "mine").name == "mine"


def test_a_corpus_is_called_as_its_folder(tmp_path, monkeypatch):
    (tmp_path / "week.v2").mkdir()
    assert Source(tmp_path / "week.v2").name == "week.v2"
    monkeypatch.chdir(tmp_path / "week.v2")
    assert Source(".").name == "week.v2"


def test_a_file_that_is_read_with_those_beside_it(tmp_path):
    (tmp_path / "x.csv").touch()
    assert Source(tmp_path / "x.csv").folder.name == tmp_path.name
    assert Source(tmp_path / "x.csv", "mine").folder.name == "mine"
    assert Source(tmp_path / "x.csv").folder.inside == (tmp_path / "x.csv",)


def test_nothing_is_read_twice(pickles, tmp_path, monkeypatch):
    file = pickles.write(tmp_path / "x.pkl", {"a": np.ones(3)})
    source = Source(file)
    assert (source.is_pickle, source.first_key) == (True, "a")
    assert source.content is source.content
    file.unlink()
    assert list(source.content) == ["a"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\xef\xbb\xbfa;b\n", b' {"a": 1}\n', b"PAR1"])
def test_tables(content, pack, tmp_path):
    (tmp_path / "x").write_bytes(pack(content))
    source = Source(tmp_path / "x")
    assert source.table_head == content.removeprefix(b"\xef\xbb\xbf")
    assert not any((source.is_pickle, source.is_zip, source.members))


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x00a,b\n", b"\xff,\xfe", b"\x89PNG", b"PK\x03"]
)
def test_what_is_none_of_them(content, tmp_path):
    (tmp_path / "x.npz").write_bytes(content)
    source = Source(tmp_path / "x.npz")
    assert not any((source.table_head, source.is_pickle, source.is_zip, source.first_key))


def test_a_damaged_zip_has_no_members(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.ones(3))
    assert Source(tmp_path / "x.npz").members == {"a.npy"}
    (tmp_path / "x.npz").write_bytes((tmp_path / "x.npz").read_bytes()[:-9])
    assert Source(tmp_path / "x.npz").is_zip
    assert not Source(tmp_path / "x.npz").members
