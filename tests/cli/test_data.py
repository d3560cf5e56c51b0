import json

import numpy as np
import pytest
from typer.testing import CliRunner

from fedaffect.cli.data import app
from fedaffect.corpus import store
from fedaffect.corpus.formats.faces import TAGS
from fedaffect.errors import UserError


@pytest.fixture
def fedaffect_data():
    def call(*arguments):
        return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "120"})

    return call


@pytest.fixture
def file(tmp_path):
    """Two people, four conversations, a NaN that nobody asked for."""
    conversation = np.repeat(np.arange(4), 3)
    audio = np.ones((12, 2), np.float32)
    audio[4, 1] = np.nan
    np.savez(
        tmp_path / "talk.npz",
        text=np.ones((12, 3), np.float32),
        audio=audio,
        label=np.arange(12) % 2,
        label_names=np.array(["calm", "up[set]"]),
        dialogue=conversation,
        turn=np.tile(np.arange(3), 4),
        split=np.array(["train", "train", "dev", "test"])[conversation],
        sentiment=np.zeros(12, int),
    )
    return tmp_path / "talk.npz"


def test_import_refuses_nan_and_writes_nothing(fedaffect_data, file, tmp_path):
    result = fedaffect_data("import", file, "--out", tmp_path / "corpus")
    assert isinstance(result.exception, UserError)
    assert f"{file}: modality audio: NaN or Inf in 1 utterance" in str(result.exception)
    assert "--non-finite drop" in str(result.exception)
    assert "\n" not in str(result.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["talk.npz"]


def test_import_can_drop_nan(fedaffect_data, file, tmp_path):
    folder = tmp_path / "corpus"
    result = fedaffect_data(
        "import", file, "--out", folder, "--non-finite", "drop", "--name", "talk-2"
    )
    assert result.exit_code == 0, result.output
    assert "12 utterances in 4 conversations" in result.output
    assert "read as neutral layout; not read: sentiment" in result.output
    assert "dropped 1 vectors of audio" in result.output
    assert "warning: modality audio: missing in 8.3%" in result.output
    corpus = store.load(folder)
    assert corpus.name == "talk-2"
    assert not corpus.present["audio"][4]


def test_import_of_some_modalities_as_json(fedaffect_data, file, tmp_path):
    folder = tmp_path / "corpus"
    result = fedaffect_data("import", file, "--out", folder, "--modalities", "text", "--json")
    table = json.loads(result.output)
    assert list(table["modalities"]) == ["text"]
    assert (table["folder"], table["dropped"], table["warnings"]) == (str(folder), {}, [])
    assert table["splits"]["train"] == {
        "conversations": 2,
        "utterances": 6,
        "persons": 2,
        "labels": [3, 3],
        "unlabelled": 0,
    }


def test_describe(fedaffect_data, file, tmp_path):
    fedaffect_data("import", file, "--out", tmp_path / "corpus", "--modalities", "text")
    result = fedaffect_data("describe", tmp_path / "corpus")
    assert result.exit_code == 0, result.output
    for shown in ("calm", "up[set]", "text", "float32", "talk.npz", "neutral layout", "█"):
        assert shown in result.output
    assert "12 utterances in 4 conversations of 3 to 3 turns" in result.output
    table = json.loads(fedaffect_data("describe", tmp_path / "corpus", "--json").output)
    assert table["utterances"] == 12
    assert table["provenance"]["source"] == "talk.npz"


def test_check_lists_problems_of_a_file_and_exits_with_2(fedaffect_data, file):
    result = fedaffect_data("check", file)
    assert result.exit_code == 2
    assert result.output.startswith("error: modality audio: NaN or Inf in 1 utterance")
    found = json.loads(fedaffect_data("check", file, "--json").output)
    assert [(problem["severity"], problem["field"]) for problem in found] == [
        ("error", "modality audio")
    ]


def test_a_file_is_checked_as_it_would_be_imported(fedaffect_data, file):
    """`--family` reaches the reader, which has no use for it in an .npz."""
    for command in (["import", file, "--out", file.parent / "corpus"], ["check", file]):
        result = fedaffect_data(*command, "--family", "mmgcn-iemocap")
        assert "--family: only for feature pickles; leave it out here" in str(result.exception)


def test_a_folder_of_several_files_is_imported_and_checked(fedaffect_data, tmp_path):
    for split in ("train", "dev", "test"):
        (tmp_path / f"{split}_sent_emo.csv").write_text(
            "Speaker,Emotion,Dialogue_ID,Utterance_ID\nRoss,joy,0,0\n"
        )
    result = fedaffect_data("check", tmp_path)
    assert "labels and speakers but no features" in str(result.exception)
    for split in ("train", "dev", "test"):
        (tmp_path / "audio" / split).mkdir(parents=True)
        np.save(tmp_path / "audio" / split / "dia0_utt0.npy", np.ones(2))
    assert "warning: person: 1 of test also in train" in fedaffect_data("check", tmp_path).output
    result = fedaffect_data("import", tmp_path, "--out", tmp_path / "corpus", "--name", "meld")
    assert "3 items, each by itself\nread as MELD tables" in result.output
    assert store.load(tmp_path / "corpus").persons == ("Ross",)
    assert ", 1 person, " in fedaffect_data("describe", tmp_path / "corpus").output


def test_check_of_a_sound_corpus(fedaffect_data, file, tmp_path):
    fedaffect_data("import", file, "--out", tmp_path / "corpus", "--modalities", "text")
    result = fedaffect_data("check", tmp_path / "corpus")
    assert (result.exit_code, result.output) == (0, f"{tmp_path / 'corpus'}: nothing wrong\n")


def test_check_lists_all_problems_of_a_stored_corpus(fedaffect_data, file, tmp_path):
    folder = tmp_path / "corpus"
    fedaffect_data("import", file, "--out", folder, "--modalities", "text")
    index = json.loads((folder / store.INDEX).read_text())
    index["classes"] = ["calm"]
    index["conversations"].append("silent")
    (folder / store.INDEX).write_text(json.dumps(index))
    result = fedaffect_data("check", folder)
    assert result.exit_code == 2
    assert result.output.count("error: ") == 2
    described = fedaffect_data("describe", folder)
    assert isinstance(described.exception, UserError)


def test_neither_option_of_non_finite(fedaffect_data, file, tmp_path):
    result = fedaffect_data("import", file, "--out", tmp_path / "c", "--non-finite", "ignore")
    assert result.exit_code == 2


def test_votes_of_faces_are_asked_for_by_name(fedaffect_data, tmp_path):
    file = tmp_path / "faces.npz"
    np.savez(
        file,
        pixels=np.random.default_rng(0).integers(0, 256, (6, 4, 4)).astype(np.uint8),
        labels=np.arange(6),
        split=np.array([0, 0, 0, 0, 1, 2]),
        classes=np.array(["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]),
        split_names=np.array(["Training", "PublicTest", "PrivateTest"]),
        ferplus_votes=np.full((6, 10), 1, np.uint8),
        ferplus_classes=np.array(TAGS),
    )
    assert fedaffect_data("import", file, "--out", tmp_path / "plain").exit_code == 0
    result = fedaffect_data("import", file, "--out", tmp_path / "voted", "--votes")
    assert "read as FER2013 in an .npz; labels by the votes of FER+" in result.output
    plain, voted = (store.load(tmp_path / name) for name in ("plain", "voted"))
    assert plain.votes is None
    assert voted.votes.shape == (6, 8)
    assert voted.label.tolist() == [6] * 6


def test_halves_are_corpora(fedaffect_data, file, tmp_path):
    whole = tmp_path / "corpus"
    fedaffect_data("import", file, "--out", whole, "--non-finite", "drop")
    result = fedaffect_data("halve", whole, "--out", tmp_path / "halves")
    assert result.exit_code == 0, result.output
    assert "first: 3 training utterances" in "".join(result.output.splitlines())
    assert "0 left out" in result.output
    first, second = (store.load(tmp_path / "halves" / name) for name in ("first", "second"))
    assert {*first.conversations} ^ {*second.conversations} == {"dialogue-0", "dialogue-1"}
