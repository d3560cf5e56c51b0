from pathlib import Path

import pytest

from fedaffect.corpus import formats
from fedaffect.corpus.formats.families import FAMILIES, IEMOCAP, recognise
from fedaffect.errors import UserError

FILE = Path("x.pkl")


def test_iemocap_has_twelve_development_dialogues():
    assert len(IEMOCAP.dev) == 12
    assert {name[:5] for name in IEMOCAP.dev} == {"Ses01", "Ses02", "Ses03", "Ses04"}


def test_every_family_reads_what_a_corpus_needs():
    for family in FAMILIES:
        assert {"id", "speaker", "label", "train", "test", *family.widths} <= {*family.fields}


def test_one_wrong_width_is_named_with_the_nearest_family(pickles):
    content = pickles.iemocap({**pickles.SDT_IEMOCAP, "audio": 1500}, layers=4)
    with pytest.raises(
        UserError, match="nearest sdt-iemocap, but audio is 1500 instead of 1582 wide"
    ):
        recognise(FILE, content)


def test_a_family_given_by_name_takes_its_widths_from_the_file(pickles, tmp_path):
    widths = {"text": 5, "audio": 4, "visual": 3}
    file = pickles.write(tmp_path / "x.pkl", pickles.iemocap(widths))
    with pytest.raises(UserError, match="fits no known feature file"):
        formats.read(file)
    corpus = formats.read(file, family="mmgcn-iemocap")
    assert {name: stream.shape[0] for name, stream in corpus.modalities.items()} == widths
    assert "mmgcn-iemocap, as told; 9 fields" in corpus.provenance.reader


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ({"a": 1}, None, "holds a dict, not the list of fields"),
        ([], None, "fits no known feature file"),
        ([1, 2, 3], None, "fits no known feature file; .* but 3 fields instead of"),
        ([{}] * 9, None, "fits no known feature file; .* but its labels are no dictionary"),
        ([{"a": [[1] * 3]}] * 9, "mmgcn", "--family mmgcn: no such family; one of sdt-iemocap"),
        ([{"a": [[1] * 3]}] * 8, "mmgcn-iemocap", "8 fields instead of 9"),
        ([{1: [[1] * 3]}] * 9, "mmgcn-iemocap", "its dialogue ids are not texts"),
        ([{"a": []}] * 9, "mmgcn-iemocap", "text is no vector"),
        ([{"a": [1, 2]}] * 9, "mmgcn-iemocap", "text is no vector"),
    ],
)
def test_what_fits_no_family(content, name, message):
    with pytest.raises(UserError, match=message):
        recognise(FILE, content, name)
