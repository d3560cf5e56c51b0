import gzip

import pytest

from fedaffect.errors import UserError
from fedaffect.importing import corpora as formats


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x89PNG", b"PK\x05\x06", b"\x00a,b\n", b"\xff,\xfe"]
)
def test_other_formats_are_refused(content, tmp_path):
    file = tmp_path / "x.npz"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"neither an \.npz of the neutral layout"):
        formats.read(file)


def test_the_content_decides_not_the_name(pickles, tmp_path):
    file = pickles.write(tmp_path / "x.npz", pickles.iemocap(pickles.DIALOGUERNN_IEMOCAP))
    assert "dialoguernn-iemocap" in formats.read(file).provenance.reader


@pytest.mark.parametrize("protocol", [0, 1, 4])
def test_pickles_of_every_age(protocol, pickles, tmp_path):
    content = pickles.iemocap({"text": 2, "audio": 2, "visual": 2})
    file = pickles.write(tmp_path / "x", content, protocol)
    assert len(formats.read(file, family="mmgcn-iemocap")) == 11


def test_what_is_not_there(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        formats.read(tmp_path / "none.npz")
    with pytest.raises(UserError, match="a folder, not a corpus file"):
        formats.read(tmp_path)


@pytest.mark.parametrize("name", ["x", "x.npz", "x.csv"])
def test_a_table_is_known_by_its_first_line(name, tmp_path):
    (tmp_path / name).write_text("label,text\n1,hello\n")
    with pytest.raises(UserError, match="conversation: no such column; a manifest needs"):
        formats.read(tmp_path / name)


def test_a_packed_table_is_known_too(tmp_path):
    file = tmp_path / "talk.csv.gz"
    lines = ["conversation,turn,label,split,feature.text", "a,0,calm,train,1 2"]
    file.write_bytes(gzip.compress("\n".join(lines).encode()))
    assert formats.read(file).name == "talk"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"talk\.csv\.gz: truncated or damaged gzip"):
        formats.read(file)


def test_a_folder_of_many_pickles_is_not_guessed_at(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.pkl").write_bytes(b"\x80never read")
    with pytest.raises(UserError, match=r"3 pickles \(a.pkl, b.pkl, c.pkl\); give the one to read"):
        formats.read(tmp_path)


def test_cmn_and_icon_are_named(tmp_path):
    for name in ("dataset", "trainID", "testID"):
        (tmp_path / f"{name}.pkl").write_bytes(b"\x80never read")
    with pytest.raises(
        UserError, match="the files of CMN and ICON are not read; import DialogueRNN"
    ):
        formats.read(tmp_path)


def test_a_family_is_no_matter_of_archives(tmp_path):
    file = tmp_path / "x.npz"
    file.write_bytes(b"PK\x03\x04")
    with pytest.raises(UserError, match="--family sdt-meld: only for feature pickles"):
        formats.read(file, family="sdt-meld")
