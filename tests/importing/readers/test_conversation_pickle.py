import numpy as np
import pytest

from fedaffect.corpus.check import drop_non_finite, ensure_sound, problems
from fedaffect.errors import UserError
from fedaffect.importing import Options, read
from fedaffect.schema import SPLITS


@pytest.fixture
def sdt(pickles):
    """The twelve fields of SDT's IEMOCAP file, to be spoilt."""
    return pickles.iemocap(pickles.SDT_IEMOCAP, layers=4)


def known_files(pickles):
    return {
        "sdt-iemocap": (12, pickles.iemocap(pickles.SDT_IEMOCAP, layers=4), pickles.SDT_IEMOCAP),
        "sdt-meld": (13, pickles.meld(pickles.SDT_MELD, layers=4), pickles.SDT_MELD),
        "graphsmile-meld": (
            14,
            pickles.meld(pickles.SDT_MELD, layers=4, sentiment=True),
            pickles.SDT_MELD,
        ),
        "mmgcn-iemocap": (9, pickles.iemocap(pickles.MMGCN_IEMOCAP), pickles.MMGCN_IEMOCAP),
        "mmgcn-meld": (10, pickles.meld(pickles.MMGCN_MELD), pickles.MMGCN_MELD),
        "dialoguernn-iemocap": (
            9,
            pickles.iemocap(pickles.DIALOGUERNN_IEMOCAP),
            pickles.DIALOGUERNN_IEMOCAP,
        ),
        "dialoguernn-meld": (9, pickles.meld(pickles.DIALOGUERNN_MELD), pickles.DIALOGUERNN_MELD),
    }


@pytest.mark.parametrize(
    "family",
    [
        *("sdt-iemocap", "sdt-meld", "graphsmile-meld", "mmgcn-iemocap"),
        *("mmgcn-meld", "dialoguernn-iemocap", "dialoguernn-meld"),
    ],
)
def test_each_family_is_told_by_arity_types_and_widths(family, pickles, tmp_path):
    arity, content, widths = known_files(pickles)[family]
    assert len(content) == arity
    corpus = read(pickles.write(tmp_path / "same_name.pkl", content))
    assert {m.name: m.shape for m in corpus.modalities.values()} == {
        name: (width,) for name, width in widths.items()
    }
    assert f"{family}, recognised by {arity} fields" in corpus.provenance.reader
    assert f"text {widths['text']}" in corpus.provenance.reader
    ensure_sound(corpus)


def test_the_sdt_file_field_by_field(sdt, pickles, tmp_path):
    corpus = read(pickles.write(tmp_path / "iemocap_multimodal_features.pkl", sdt))
    assert corpus.name == "iemocap_multimodal_features"
    assert corpus.classes == ("happy", "sad", "neutral", "angry", "excited", "frustrated")
    assert corpus.conversations == tuple(sorted(pickles.IEMOCAP_TURNS))
    assert corpus.conversation.tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3]
    assert corpus.turn.tolist() == [0, 1, 2, 0, 1, 0, 1, 2, 3, 0, 1]
    assert corpus.label.tolist() == [0, 1, 2, 0, 1, 0, 1, 2, 3, 0, 1]
    assert corpus.role.tolist() == [1, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0]  # M -> 0, F -> 1
    assert corpus.persons == ("Ses01_F", "Ses01_M", "Ses02_F", "Ses02_M", "Ses05_F", "Ses05_M")
    assert corpus.person.tolist() == [0, 1, 0, 0, 1, 2, 3, 2, 3, 4, 5]
    assert [SPLITS[corpus.split[corpus.rows(c).start]] for c in range(4)] == [
        "train",
        "dev",  # one of COSMIC's
        "train",
        "test",
    ]
    assert "dev: 1 of COSMIC's 12 dialogues" in corpus.provenance.reader
    first_layer = np.concatenate([np.stack(sdt[3][d]) for d in corpus.conversations])
    np.testing.assert_array_equal(corpus.features["text"], first_layer)
    np.testing.assert_array_equal(corpus.features["audio"][3:5], sdt[7]["Ses01M_impro01"])
    assert corpus.features["visual"].dtype == np.float32
    assert type(corpus.features["visual"]) is np.ndarray


def test_python_2_lists_and_lists_of_ids_say_the_same(sdt, pickles, tmp_path):
    corpus = read(pickles.write(tmp_path / "new.pkl", sdt))
    old = pickles.iemocap(pickles.SDT_IEMOCAP, layers=4, lists=True)
    old[-2], old[-1] = sorted(old[-2], reverse=True), list(old[-1])
    other = read(pickles.write_python2(tmp_path / "old.pkl", tuple(old)))
    for name in corpus.features:
        np.testing.assert_array_equal(corpus.features[name], other.features[name])
    for column in ("label", "person", "split", "conversation", "turn", "role"):
        np.testing.assert_array_equal(getattr(corpus, column), getattr(other, column))
    assert corpus.persons == other.persons


@pytest.mark.parametrize("family", ["sdt-iemocap", "mmgcn-iemocap", "dialoguernn-iemocap"])
def test_an_extra_field_at_the_end_is_let_be(family, pickles, tmp_path):
    arity, content, _ = known_files(pickles)[family]
    corpus = read(pickles.write(tmp_path / "x.pkl", [*content, {"unknown": 1}]))
    assert f"{family}, recognised by {arity + 1} fields" in corpus.provenance.reader


def test_meld_numbers_speakers_inside_the_dialogue(pickles, tmp_path):
    content = pickles.meld(pickles.SDT_MELD, layers=4)
    corpus = read(pickles.write(tmp_path / "x.pkl", content))
    assert corpus.conversations == ("0", "1", "2", "3", "60", "1153")
    assert corpus.role[corpus.rows(1)].tolist() == [0, 1, 2]
    # Nobody is known by name, so nobody is taken for the same person in two dialogues.
    assert len(corpus.persons) == len(corpus)
    assert corpus.persons[corpus.person[corpus.rows(5)][1]] == "1153/role-1"


def test_without_a_published_dev_split_a_tenth_is_drawn_by_seed(pickles, tmp_path):
    file = pickles.write(tmp_path / "x.pkl", pickles.meld(pickles.MMGCN_MELD))
    first, again = read(file, Options(seed=1)), read(file, Options(seed=1))
    others = [read(file, Options(seed=seed)).split.tolist() for seed in range(5)]
    assert first.split.tolist() == again.split.tolist()
    assert len(first.conversations_in("dev")) == 1
    assert len({tuple(split) for split in others}) > 1
    assert "dev: 1 of 5 training dialogues, drawn with seed 1" in first.provenance.reader
    assert first.conversations_in("test").tolist() == [5]


def test_no_text_is_kept(sdt, pickles, tmp_path):
    corpus = read(pickles.write(tmp_path / "x.pkl", sdt))
    assert "private" not in repr(corpus)


def test_inf_in_audio_is_named_and_can_be_dropped(sdt, pickles, tmp_path):
    sdt[7]["Ses02M_script02_1"][2][5] = np.inf
    corpus = read(pickles.write(tmp_path / "x.pkl", sdt))
    with pytest.raises(
        UserError,
        match=r"audio: NaN or Inf in 1 utterance, first in conversation `Ses02M_script02_1`, "
        r"turn 2; .*--non-finite drop",
    ):
        ensure_sound(corpus)
    mended, dropped = drop_non_finite(corpus)
    ensure_sound(mended)
    assert dropped == {"audio": 1}
    row = corpus.rows(2).start + 2
    assert not mended.present["audio"][row]
    assert not mended.features["audio"][row].any()
    assert mended.present["audio"].sum() == len(corpus) - 1
    assert np.isinf(corpus.features["audio"][row, 5])


def test_a_number_too_large_for_float32_counts_as_inf(sdt, pickles, tmp_path):
    sdt[7]["Ses01F_impro01"] = sdt[7]["Ses01F_impro01"].astype(np.float64)
    sdt[7]["Ses01F_impro01"][0, 0] = 1e300
    found = problems(read(pickles.write(tmp_path / "x.pkl", sdt)))
    assert "modality audio" in {problem.field for problem in found}


def test_an_empty_conversation_is_an_error(sdt, pickles, tmp_path):
    for field in (*range(10),):
        sdt[field]["Ses01F_impro01"] = []
    corpus = read(pickles.write(tmp_path / "x.pkl", sdt))
    with pytest.raises(UserError, match="1 without an utterance, first `Ses01F_impro01`"):
        ensure_sound(corpus)


def test_an_unknown_label_is_an_error(sdt, pickles, tmp_path):
    sdt[2]["Ses01F_impro01"][1] = 6
    corpus = read(pickles.write(tmp_path / "x.pkl", sdt))
    with pytest.raises(UserError, match="first 6 in conversation `Ses01F_impro01`, turn 1"):
        ensure_sound(corpus)


def overlap(fields):
    fields[-1] = {"Ses05F_impro01", "Ses01F_impro01"}


def unknown_id(fields):
    fields[-1] = {"Ses09F_impro01"}


def short_audio(fields):
    fields[7]["Ses01F_impro01"] = fields[7]["Ses01F_impro01"][:2]


def narrow_audio(fields):
    fields[7]["Ses02M_script02_1"] = fields[7]["Ses02M_script02_1"][:, :1500]


def unknown_letter(fields):
    fields[1]["Ses01F_impro01"][0] = "X"


def label_text(fields):
    fields[2]["Ses01F_impro01"][0] = "happy"


def huge_label(fields):
    fields[2]["Ses01F_impro01"][0] = 2**70


def numbers_for_ids(fields):
    fields[-1] = [1, 2]


def huge_number(fields):
    fields[3]["Ses02M_script02_1"][0] = [10**400] * 1024


def nested(fields):
    fields[3]["Ses02M_script02_1"][0] = [[0.0]] * 1024


def no_list(fields):
    fields[7]["Ses02M_script02_1"] = 3


def no_training(fields):
    fields[-2] = set()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (overlap, r"train, test: 1 dialogues in both, first `Ses01F_impro01`"),
        (unknown_id, r"label: dialogue `Ses09F_impro01`: missing"),
        (short_audio, r"audio: dialogue `Ses01F_impro01`: 2 entries for 3 labels"),
        (narrow_audio, r"audio: .*: turn 0 is 1500 wide instead of 1582 wide"),
        (unknown_letter, r"speaker: dialogue `Ses01F_impro01`: not all are M or F"),
        (label_text, r"label: .*: not all are \(small\) whole numbers"),
        (huge_label, r"label: .*: not all are \(small\) whole numbers"),
        (numbers_for_ids, r"test: not a list of dialogue ids \(texts\)"),
        (huge_number, r"text: .*: turn 0 is no vector"),
        (nested, r"text: .*: turn 0 is no vector"),
        (no_list, r"audio: .*: a int instead of a list"),
        (no_training, r"train: no dialogues"),
    ],
)
def test_fields_that_disagree_are_named(spoil, message, sdt, pickles, tmp_path):
    spoil(sdt)
    with pytest.raises(UserError, match=r"x\.pkl: " + message):
        read(pickles.write(tmp_path / "x.pkl", sdt))


@pytest.mark.parametrize(
    "speaker", [[1.0, 1.0, *[0.0] * 7], [0.0] * 9, [2.0, *[0.0] * 8], "M", [1.0, -1.0]]
)
def test_speakers_that_are_not_one_hot(speaker, pickles, tmp_path):
    content = pickles.meld(pickles.MMGCN_MELD)
    content[1][60][0] = speaker
    with pytest.raises(UserError, match=r"speaker: dialogue `60`: not all are one-hot"):
        read(pickles.write(tmp_path / "x.pkl", content))
