import numpy as np
import pytest

from fedaffect.corpus.check import ensure_sound, problems
from fedaffect.errors import UserError
from fedaffect.importing import Options, read
from fedaffect.schema import SPLITS


@pytest.fixture
def m3net(pickles, tmp_path):
    """A folder with COSMIC's and MMGCN's file, and their contents, to be spoilt and written."""
    cosmic, mmgcn = pickles.cosmic_iemocap(), pickles.iemocap(pickles.MMGCN_IEMOCAP)

    def write():
        # By name MMGCN's comes first: the order is found by content.
        pickles.write(tmp_path / "IEMOCAP_features.pkl", mmgcn)
        pickles.write(tmp_path / "iemocap_features_roberta.pkl", cosmic)
        return tmp_path

    return cosmic, mmgcn, write


@pytest.fixture
def multiemo(pickles, tmp_path):
    def write(dataset="iemocap", **spoilt):
        for name, content in (pickles.multiemo(dataset) | spoilt).items():
            pickles.write(tmp_path / name, content)
        return tmp_path

    return write


def test_m3net_takes_text_of_one_file_and_streams_of_the_other(m3net):
    cosmic, mmgcn, write = m3net
    corpus = read(write())
    ensure_sound(corpus)
    assert corpus.name == write().name
    rows = corpus.rows(corpus.conversations.index("Ses02M_script02_1"))
    text, audio, visual = (corpus.features[m][rows] for m in ("text", "audio", "visual"))
    np.testing.assert_array_equal(text, np.stack(cosmic[2]["Ses02M_script02_1"]))
    np.testing.assert_array_equal(audio, mmgcn[4]["Ses02M_script02_1"])
    np.testing.assert_array_equal(visual, mmgcn[5]["Ses02M_script02_1"])
    assert "m3net-iemocap, recognised by 19 fields" in corpus.provenance.reader
    assert "dev: the file's own, 1 dialogues" in corpus.provenance.reader
    assert corpus.provenance.source.endswith(": IEMOCAP_features.pkl, iemocap_features_roberta.pkl")


def test_m3net_on_meld(pickles, tmp_path):
    pickles.write(tmp_path / "a.pkl", pickles.cosmic_meld())
    pickles.write(tmp_path / "b.pkl", pickles.meld(pickles.MMGCN_MELD))
    corpus = read(tmp_path)
    ensure_sound(corpus)
    assert {m: s.shape for m, s in corpus.modalities.items()} == {
        "text": (1024,),
        "audio": (300,),
        "visual": (342,),
    }
    assert [SPLITS[corpus.split[corpus.rows(c).start]] for c in range(6)] == [
        *("train", "train", "train", "dev", "train", "test"),
    ]


def test_two_files_of_different_utterances_are_refused(m3net):
    _, mmgcn, write = m3net
    mmgcn[2]["Ses02M_script02_1"][3] = 5
    with pytest.raises(
        UserError,
        match=r"IEMOCAP_features\.pkl: again: dialogue `Ses02M_script02_1`: its labels are not those "
        r"of .*iemocap_features_roberta\.pkl; give two files of one corpus",
    ):
        read(write())


def test_an_error_names_the_file_that_holds_the_field(m3net):
    _, mmgcn, write = m3net
    del mmgcn[4]["Ses01F_impro01"]
    with pytest.raises(UserError, match=r"IEMOCAP_features\.pkl: audio: dialogue `Ses01F_impro01`"):
        read(write())


def test_two_files_that_make_no_family(pickles, tmp_path):
    for name in ("a", "b"):
        pickles.write(tmp_path / f"{name}.pkl", pickles.iemocap(pickles.MMGCN_IEMOCAP))
    with pytest.raises(UserError, match="fits no known feature file; nearest m3net-iemocap"):
        read(tmp_path)


@pytest.mark.parametrize("dataset", ["iemocap", "meld"])
@pytest.mark.parametrize("given", ["", "Speakers.pkl", "AudioFeatures.pkl"])
def test_multiemo_by_folder_or_by_any_of_its_files(given, dataset, multiemo, pickles):
    folder = multiemo(dataset)
    corpus = read(folder / given)
    ensure_sound(corpus)
    assert {m: s.shape[0] for m, s in corpus.modalities.items()} == pickles.MULTIEMO
    assert f"multiemo-{dataset}, recognised by" in corpus.provenance.reader
    first = corpus.conversations[0] if dataset == "iemocap" else 0
    np.testing.assert_array_equal(
        corpus.features["visual"][corpus.rows(0)],
        pickles.multiemo(dataset)["VisualFeatures.pkl"][first],
    )


def test_multiemo_with_exchanged_files_is_refused(multiemo, pickles):
    streams = pickles.multiemo("iemocap")
    folder = multiemo(
        **{"AudioFeatures.pkl": streams["VisualFeatures.pkl"]},
        **{"VisualFeatures.pkl": streams["AudioFeatures.pkl"]},
    )
    with pytest.raises(UserError, match="nearest multiemo-iemocap, but audio is 1000 instead of"):
        read(folder)


def test_multiemo_of_other_widths_as_told(multiemo, pickles):
    folder = multiemo(
        **{"TextFeatures.pkl": {d: np.ones((n, 4)) for d, n in pickles.IEMOCAP_TURNS.items()}}
    )
    corpus = read(folder, Options(family="multiemo-iemocap"))
    assert corpus.modalities["text"].shape == (4,)


def test_one_of_several_files_alone_says_so(pickles, tmp_path):
    file = pickles.write(tmp_path / "TextFeatures.pkl", {"Ses01F_impro01": np.ones((2, 768))})
    with pytest.raises(UserError, match=r"holds a dict, .* several files, give their folder"):
        read(file)


@pytest.mark.parametrize("dataset", ["iemocap", "meld"])
def test_cosmic_brings_its_own_dev(dataset, pickles, tmp_path):
    content = getattr(pickles, f"cosmic_{dataset}")()
    corpus = read(pickles.write(tmp_path / "x.pkl", content))
    assert {problem.severity for problem in problems(corpus)} <= {"warning"}
    assert list(corpus.modalities) == ["text"]
    dev = corpus.conversations_in("dev")
    assert [corpus.conversations[c] for c in dev] == [str(content[-1][0])]
    assert f"cosmic-{dataset}, recognised by {len(content)} fields" in corpus.provenance.reader


@pytest.mark.parametrize("dataset", ["iemocap", "meld"])
def test_texts_without_features_cannot_be_learnt_from(dataset, pickles, tmp_path):
    content = getattr(pickles, f"cosmic_{dataset}")(texts_only=True)
    with pytest.raises(
        UserError,
        match=rf"x\.pkl: cosmic-{dataset}-texts, recognised by .* texts and labels but no features, "
        rf"so there is nothing to learn from; import .*\({dataset}_features_roberta\.pkl\)",
    ) as error:
        read(pickles.write(tmp_path / "x.pkl", content))
    assert "\n" not in str(error.value)
    assert "private" not in str(error.value)


def test_three_splits_must_not_overlap(pickles, tmp_path):
    content = pickles.cosmic_iemocap()
    content[-1] = [*content[-2]]
    with pytest.raises(UserError, match="dev, test: 1 dialogues in both, first `Ses05F_impro01`"):
        read(pickles.write(tmp_path / "x.pkl", content))
