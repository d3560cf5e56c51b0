import gzip

import numpy as np
import pytest

from fedaffect import registry
from fedaffect.corpus import store
from fedaffect.errors import UserError
from fedaffect.importing import Options, Reader, import_corpus, read


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x89PNG", b"PK\x05\x06", b"\x00a,b\n", b"\xff,\xfe"]
)
def test_other_formats_are_refused(content, tmp_path):
    file = tmp_path / "x.npz"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"neither an \.npz of the neutral layout"):
        read(file)


def test_the_content_decides_not_the_name(pickles, tmp_path):
    file = pickles.write(tmp_path / "x.npz", pickles.iemocap(pickles.DIALOGUERNN_IEMOCAP))
    assert "dialoguernn-iemocap" in read(file).provenance.reader


@pytest.mark.parametrize("protocol", [0, 1, 4])
def test_pickles_of_every_age(protocol, pickles, tmp_path):
    content = pickles.iemocap({"text": 2, "audio": 2, "visual": 2})
    file = pickles.write(tmp_path / "x", content, protocol)
    assert len(read(file, Options(family="mmgcn-iemocap"))) == 11


def test_what_is_not_there(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read(tmp_path / "none.npz")
    with pytest.raises(UserError, match="a folder, not a corpus file"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["x", "x.npz", "x.csv"])
def test_a_table_is_known_by_its_first_line(name, tmp_path):
    (tmp_path / name).write_text("label,text\n1,hello\n")
    with pytest.raises(UserError, match="conversation: no such column; a manifest needs"):
        read(tmp_path / name)


def test_a_packed_table_is_known_too(tmp_path):
    file = tmp_path / "talk.csv.gz"
    lines = ["conversation,turn,label,split,feature.text", "a,0,calm,train,1 2"]
    file.write_bytes(gzip.compress("\n".join(lines).encode()))
    assert read(file).name == "talk"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"talk\.csv\.gz: truncated or damaged gzip"):
        read(file)


def test_a_folder_of_many_pickles_is_not_guessed_at(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.pkl").write_bytes(b"\x80never read")
    with pytest.raises(UserError, match=r"3 pickles \(a.pkl, b.pkl, c.pkl\); give the one to read"):
        read(tmp_path)


def test_cmn_and_icon_are_named(tmp_path):
    for name in ("dataset", "trainID", "testID"):
        (tmp_path / f"{name}.pkl").write_bytes(b"\x80never read")
    with pytest.raises(
        UserError, match="the files of CMN and ICON are not read; import DialogueRNN"
    ):
        read(tmp_path)


def test_a_family_is_no_matter_of_archives(tmp_path):
    file = tmp_path / "x.npz"
    file.write_bytes(b"PK\x03\x04")
    with pytest.raises(UserError, match=r"x\.npz: --family: only for feature pickles; leave it"):
        read(file, Options(family="sdt-meld"))


class Mine(Reader):
    """Recognises every file, as one that looks at nothing."""

    def recognises(self, source):
        return not source.is_folder

    def read(self, source, options):
        raise UserError(f"mine was asked for {source.name}")


class Stranger:
    recognises = read = None


@pytest.fixture
def talk(tmp_path):
    """A file of the neutral layout with one NaN."""
    arrays = {"label": np.array([0, 1]), "label_names": np.array(["a", "b"])}
    arrays |= {"dialogue": np.array([0, 1]), "turn": np.array([0, 0])}
    arrays |= {"split": np.array(["train", "train"]), "text": np.array([[1.0], [np.nan]])}
    np.savez(tmp_path / "talk.npz", **arrays, audio=np.ones((2, 3)))
    return tmp_path / "talk.npz"


@pytest.fixture
def with_mine(monkeypatch):
    """`mine` is one of the readers, as if an installed package named it."""
    names, find = registry.names, registry.find
    monkeypatch.setattr(registry, "names", lambda kind: [*names(kind), "mine"])
    monkeypatch.setattr(registry, "find", lambda k, n: Mine if n == "mine" else find(k, n))


def test_a_fallback_is_asked_only_where_no_other_reader_recognises_a_file(talk, with_mine):
    with pytest.raises(UserError, match="mine was asked for talk"):
        read(talk)


def test_two_that_recognise_a_file_leave_the_choice_to_a_person(tmp_path, with_mine, pickles):
    file = pickles.write(tmp_path / "x.pkl", {split: {} for split in ("train", "valid", "test")})
    with pytest.raises(UserError, match=r"x\.pkl: mmsa and mine both read it; .* --reader mmsa"):
        read(file)
    with pytest.raises(UserError, match="mine was asked for x"):
        read(file, reader="mine")
    with pytest.raises(UserError, match=r"x\.pkl: train: id: not a list of texts"):
        read(file, reader="mmsa")


def test_a_named_reader_must_recognise_the_file(talk):
    assert len(read(talk, reader="neutral")) == 2
    with pytest.raises(UserError, match=r"talk\.npz: not what the reader `meld` reads; leave"):
        read(talk, reader="meld")


def test_a_named_reader_says_what_it_needs(tmp_path):
    (tmp_path / "x.csv").write_text("who,label,EDA_mean\na,b,1\n")
    with pytest.raises(UserError, match=r"x\.csv: --person: needed by the reader `window_table`"):
        read(tmp_path / "x.csv", reader="window_table")


def test_a_class_that_is_no_reader(talk, monkeypatch):
    monkeypatch.setattr(registry, "find", lambda kind, name: Stranger)
    with pytest.raises(UserError, match=r"`mine:Stranger`: derive it from fedaffect\.importing\.R"):
        read(talk, reader="mine:Stranger")


def test_an_import_is_a_corpus_in_a_folder(talk, tmp_path):
    with pytest.raises(UserError, match=r"talk\.npz: modality text: NaN or Inf"):
        import_corpus(talk, tmp_path / "corpus")
    assert not (tmp_path / "corpus").exists()
    made = import_corpus(talk, tmp_path / "corpus", Options(name="mine"), non_finite="drop")
    assert made.dropped == {"text": 1}
    assert "modality text" in [warning.field for warning in made.warnings]
    assert store.load(tmp_path / "corpus").name == made.corpus.name == "mine"


def test_an_import_of_some_modalities(talk, tmp_path):
    made = import_corpus(talk, tmp_path / "corpus", Options(modalities=["audio"]))
    assert [*made.corpus.features] == ["audio"]
