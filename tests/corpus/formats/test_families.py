import pytest

from fedaffect.corpus.formats.families import FAMILIES, IEMOCAP, IGNORED


def test_iemocap_has_twelve_development_dialogues():
    assert len(IEMOCAP.dev) == 12
    assert {name[:5] for name in IEMOCAP.dev} == {"Ses01", "Ses02", "Ses03", "Ses04"}


def test_names_are_used_once():
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_family_reads_what_a_corpus_needs_and_no_field_twice(family):
    read = [field for field in family.fields if field != IGNORED]
    assert {"speaker", "label", "train", "test", *family.widths} <= {*read}
    assert len(set(read)) == len(read)


def test_the_number_of_fields_of_each_family():
    """Worked from the published layouts; several files are counted through."""
    assert {family.name: len(family.fields) for family in FAMILIES} == {
        "sdt-iemocap": 12,
        "sdt-meld": 13,
        "graphsmile-meld": 14,
        "mmgcn-iemocap": 9,
        "mmgcn-meld": 10,
        "dialoguernn-iemocap": 9,
        "dialoguernn-meld": 9,
        "cosmic-iemocap": 10,
        "cosmic-meld": 11,
        "cosmic-iemocap-texts": 6,
        "cosmic-meld-texts": 7,
        "m3net-iemocap": 10 + 9,
        "m3net-meld": 11 + 10,
        "multiemo-iemocap": 9 + 3,
        "multiemo-meld": 10 + 3,
    }
