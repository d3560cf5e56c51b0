from pathlib import Path

import pytest

from fedaffect.corpus.formats.families import FAMILIES
from fedaffect.corpus.formats.recognition import recognise
from fedaffect.errors import UserError
from fedaffect.importing import Options, read

FILE = Path("x.pkl")


def contents(pickles):
    """Invented content for every family, its files counted through."""
    iemocap, meld = pickles.cosmic_iemocap(), pickles.cosmic_meld()
    several = {}
    for dataset in ("iemocap", "meld"):
        speakers, *streams = pickles.multiemo(dataset).values()
        several[f"multiemo-{dataset}"] = [*speakers, *streams]
    return several | {
        "sdt-iemocap": pickles.iemocap(pickles.SDT_IEMOCAP, layers=4),
        "sdt-meld": pickles.meld(pickles.SDT_MELD, layers=4),
        "graphsmile-meld": pickles.meld(pickles.SDT_MELD, layers=4, sentiment=True),
        "mmgcn-iemocap": pickles.iemocap(pickles.MMGCN_IEMOCAP),
        "mmgcn-meld": pickles.meld(pickles.MMGCN_MELD),
        "dialoguernn-iemocap": pickles.iemocap(pickles.DIALOGUERNN_IEMOCAP),
        "dialoguernn-meld": pickles.meld(pickles.DIALOGUERNN_MELD),
        "cosmic-iemocap": iemocap,
        "cosmic-meld": meld,
        "cosmic-iemocap-texts": pickles.cosmic_iemocap(texts_only=True),
        "cosmic-meld-texts": pickles.cosmic_meld(texts_only=True),
        "m3net-iemocap": [*iemocap, *pickles.iemocap(pickles.MMGCN_IEMOCAP)],
        "m3net-meld": [*meld, *pickles.meld(pickles.MMGCN_MELD)],
    }


@pytest.fixture(scope="module")
def known(pickles):
    return contents(pickles)


def recognised(content, family):
    return recognise(FILE, content, files=family.files)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_each_family_is_recognised_and_says_why(family, known):
    found = recognised(known[family.name], family)
    assert found.family is family
    assert found.widths == family.widths
    ids, speakers = ("text", "M/F") if family.dataset.name == "IEMOCAP" else ("number", "one-hot")
    why = f"recognised by {len(family.fields)} fields, {ids} ids, {speakers} speakers"
    assert found.reason.startswith(f"{family.name}, {why}")
    for modality, width in family.widths.items():
        assert f"{modality} {width}" in found.reason


# Every family, and every two neighbours among the fields that are read and look different.
SWAPS = {
    "sdt-iemocap": ["id speaker", "speaker label", "label text", "audio visual", "train test"],
    "sdt-meld": ["id speaker", "speaker label", "label text", "audio visual", "train test"],
    "graphsmile-meld": ["speaker label", "label sentiment", "sentiment text", "audio visual"],
    "mmgcn-iemocap": ["speaker label", "text audio", "audio visual", "train test"],
    "mmgcn-meld": ["speaker label", "text audio", "audio visual", "train test"],
    "dialoguernn-iemocap": ["speaker label", "audio visual", "train test"],
    "dialoguernn-meld": ["speaker label", "text audio", "label sentiment", "train test"],
    "cosmic-iemocap": ["speaker label", "label text", "train test", "train dev"],
    "cosmic-meld": ["speaker label", "label sentiment", "sentiment text", "train test"],
    "cosmic-iemocap-texts": ["speaker label", "label sentence", "sentence train", "train test"],
    "cosmic-meld-texts": ["speaker label", "label sentiment", "sentiment sentence", "train test"],
    "m3net-iemocap": ["speaker label", "audio visual", "text audio", "again audio"],
    "m3net-meld": ["speaker label", "label sentiment", "audio visual", "again audio"],
    "multiemo-iemocap": ["speaker label", "text audio", "audio visual", "train test"],
    "multiemo-meld": ["speaker label", "text audio", "audio visual", "train test"],
}


@pytest.mark.parametrize(
    ("name", "pair"), [(name, pair) for name, pairs in SWAPS.items() for pair in pairs]
)
def test_exchanged_fields_are_refused(name, pair, known):
    family = next(f for f in FAMILIES if f.name == name)
    content = list(known[name])
    if "sentiment" in family.fields:  # the shortest made dialogues know too few emotions
        content[family.fields.index("label")] = known[name][family.fields.index("label")] | {
            60: [4, 6]
        }
    one, other = map(family.fields.index, pair.split())
    content[one], content[other] = content[other], content[one]
    with pytest.raises(UserError, match="fits no known feature file; nearest"):
        recognised(content, family)


def test_cosmic_has_test_before_dev(known):
    """Real files: 31 dialogues of test, then 12 of dev."""
    *rest, train, test, dev = known["cosmic-iemocap"]
    content = [*rest, list(range(99)), dev * 12, test * 31]
    with pytest.raises(UserError, match="dev has 31 dialogues and test only 12, as if they were"):
        recognise(FILE, content)
    assert recognise(FILE, [*rest, train, test, dev]).family.name == "cosmic-iemocap"


def test_emotions_in_the_place_of_sentiments_are_named(known):
    content = list(known["cosmic-meld"])
    content[1], content[2] = content[2], {**content[1], 60: [4, 6]}
    with pytest.raises(UserError, match="nearest cosmic-meld, but its sentiments hold 4, which"):
        recognise(FILE, content)


def test_letters_where_labels_should_be_are_named(known):
    content = list(known["cosmic-iemocap-texts"])
    content[0], content[1] = content[1], content[0]
    with pytest.raises(UserError, match="its field `speaker` holds no M or F"):
        recognise(FILE, content)


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
        read(file)
    corpus = read(file, Options(family="mmgcn-iemocap"))
    assert {name: stream.shape[0] for name, stream in corpus.modalities.items()} == widths
    assert "mmgcn-iemocap, as told; 9 fields" in corpus.provenance.reader


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ([], None, "fits no known feature file"),
        ([1, 2, 3], None, "fits no known feature file; .* but 3 fields instead of"),
        ([{}] * 9, None, "fits no known feature file; .* but its labels are no dictionary"),
        ([{"a": [[1] * 3]}] * 9, "mmgcn", "--family mmgcn: no such family; one of sdt-iemocap"),
        ([{"a": [[1] * 3]}] * 8, "mmgcn-iemocap", "8 fields instead of 9"),
        ([{1: [[1] * 3]}] * 9, "mmgcn-iemocap", "its dialogue ids are not texts"),
        ([{"a": []}] * 9, "mmgcn-iemocap", "text is no vector"),
        ([{"a": [1, 2]}] * 9, "mmgcn-iemocap", "text is no vector"),
        ([{"a": [1]}] * 9, "m3net-meld", "it has 2 files, not 1; give their folder"),
    ],
)
def test_what_fits_no_family(content, name, message):
    with pytest.raises(UserError, match=message):
        recognise(FILE, content, name)
