"""Which reader a file or a folder gets, and which options go with it."""

import json
import pickle

import numpy as np
import pytest
from typer.testing import CliRunner

from fedaffect.cli.data import app
from fedaffect.errors import UserError
from fedaffect.importing import Options, read
from fedaffect.importing.options import flag
from fedaffect.registry import find, names
from fedaffect.schema import SPLITS, UNLABELLED

TABLE = "who,state,EDA_mean,TEMP_mean\n" + "".join(
    f"{who},{state},{i},{33 + i % 3}\n"
    for i, (who, state) in enumerate([(w, s) for w in "abcd" for s in ("calm", "stress") * 3])
)
ANYWHERE = {
    "family": "sdt-meld",
    "votes": True,
    "window": 20.0,
    "step": 5.0,
    "baseline": 1.0,
    "features": "wavelet",
    "ratings": "valence",
    "label": "state",
    "leave_out": ("age",),
    "classes": ("calm",),
    "dev": 0,
    "test": 0,
}


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "worn.csv"
    file.write_text(TABLE)
    return file


@pytest.fixture
def e4(tmp_path):
    """Three people at rest for 20 s, then not."""
    for number, person in enumerate(("ann", "bob", "cem")):
        folder = tmp_path / "week" / person
        folder.mkdir(parents=True)
        level = np.repeat([number, number + 5], 80)
        (folder / "EDA.csv").write_text("\n".join(map(str, [1.5e9, 4, *level])))
        (folder / "labels.csv").write_text("start,end,label\n0,20,calm\n20,40,stress\n")
    return tmp_path / "week"


@pytest.fixture
def talk(tmp_path):
    file = tmp_path / "talk.npz"
    arrays = {"label": np.array([0]), "label_names": np.array(["a"]), "text": np.ones((1, 2))}
    arrays |= {"dialogue": np.array([0]), "turn": np.array([0]), "split": np.array(["train"])}
    np.savez(file, **arrays)
    return file


def people(corpus):
    """How many persons each split has."""
    return {s: len(np.unique(corpus.person[corpus.items_in(s)])) for s in SPLITS}


def test_a_folder_of_e4_exports(e4):
    corpus = read(e4, Options(window=10, step=5, seed=1))
    assert (corpus.name, corpus.classes) == ("week", ("calm", "stress"))
    assert corpus.persons == ("ann", "bob", "cem")
    assert len(corpus) == 3 * 2 * 3
    assert people(corpus) == {"train": 1, "dev": 1, "test": 1}
    assert corpus.provenance.reader == (
        "body signals: sensor features of windows of 10 s; "
        "split by person with seed 1: 1 for dev, 1 for test"
    )
    other = read(e4, Options(window=10, step=5, seed=2))
    assert (other.split != corpus.split).any()


def test_every_option_of_recordings_arrives(e4):
    pytest.importorskip("pywt", reason="the `signals` extra is not installed")
    options = Options(
        name="mine",
        modalities=("eda",),
        window=5,
        baseline=0.25,
        features="wavelet",
        classes=("stress",),
        dev=2,
        test=0,
    )
    corpus = read(e4, options)
    assert (corpus.name, corpus.classes) == ("mine", ("stress",))
    assert corpus.features["eda"].shape == (3 * 4, 48)
    assert people(corpus) == {"train": 1, "dev": 2, "test": 0}
    assert "relative to each recording's first 0.25 min" in corpus.provenance.reader


def test_a_wesad_folder(tmp_path):
    for person in ("S2", "S10"):
        wrist = {"EDA": np.linspace(0, 1, 40)[:, None], "TEMP": np.full((40, 1), 33.0)}
        subject = {"signal": {"wrist": wrist}, "subject": person, "label": np.ones(7000, int)}
        (tmp_path / person).mkdir()
        (tmp_path / person / f"{person}.pkl").write_bytes(pickle.dumps(subject))
    corpus = read(tmp_path, Options(window=5))
    assert corpus.conversations == ("S2 from 0 s", "S2 from 5 s", "S10 from 0 s", "S10 from 5 s")
    assert (corpus.classes, list(corpus.features)) == (("baseline",), ["eda", "temperature"])
    assert people(corpus) == {"train": 2, "dev": 0, "test": 0}  # too few to deal out


def test_ratings_of_deap(tmp_path):
    content = {"labels": np.array([[9.0, 1.0, 5, 5]]), "data": np.ones((1, 40, 128 * 13))}
    (tmp_path / "s01.dat").write_bytes(pickle.dumps(content, 2))
    assert read(tmp_path, Options(window=5)).classes == ("calm",)
    assert read(tmp_path, Options(window=5, ratings="arousal")).classes == ("low arousal",)


def test_a_matlab_file_is_one_of_recordings(tmp_path):
    pytest.importorskip("scipy", reason="the `signals` extra is not installed")
    (tmp_path / "P01.mat").write_bytes(b"MATLAB 5.0 MAT-file, made up")
    with pytest.raises(UserError, match=r"P01\.mat: .*MATLAB file"):
        read(tmp_path / "P01.mat", Options())


def test_recordings_without_labels_for_a_model_learnt_elsewhere(e4):
    for labels in e4.glob("*/labels.csv"):
        labels.unlink()
    with pytest.raises(UserError, match=r"week: nothing is labelled; .*labels\.csv"):
        read(e4, Options(window=10))
    corpus = read(e4, Options(window=10, classes=("calm", "stress")))
    assert corpus.classes == ("calm", "stress")
    assert set(corpus.label) == {UNLABELLED}


def test_a_table_of_windows(table):
    options = Options(
        person="who", label="state", leave_out=("TEMP_*",), classes=("stress", "calm"), test=2
    )
    corpus = read(table, options)
    assert (corpus.name, corpus.classes, list(corpus.features)) == (
        "worn",
        ("stress", "calm"),
        ["EDA"],
    )
    assert people(corpus) == {"train": 1, "dev": 1, "test": 2}
    assert list(
        read(table, Options(person="who", label="state", modalities=("TEMP",))).features
    ) == ["TEMP"]


def test_everything_else_as_before(talk):
    assert read(talk, Options(name="x")).name == "x"


@pytest.mark.parametrize("option", [*ANYWHERE])
def test_options_for_files_of_another_kind_are_refused(option, table, e4, talk):
    """Rather than passed over."""
    given = {option: ANYWHERE[option]}
    asked = {
        "e4": (e4, Options(**given)),
        "window_table": (table, Options(person="who", **({"label": "state"} | given))),
        "neutral": (talk, Options(**given)),
    }
    for reader, (file, options) in asked.items():
        if option not in find("reader", reader).takes:
            with pytest.raises(
                UserError, match=f"{file.name}: {flag(option)}: only for .*; leave it"
            ):
                read(file, options)


@pytest.mark.parametrize("reader", names("reader"))
def test_readers_take_options_that_there_are(reader):
    kind = find("reader", reader)
    assert {*kind.needs} <= {*kind.takes} <= {*vars(Options())}


def test_a_choice_that_there_is_not():
    with pytest.raises(UserError, match="--features: use one of sensor, wavelet"):
        Options(features="wavelets")


def test_progress_keeps_out_of_what_a_program_reads(e4, tmp_path):
    arguments = ["import", str(e4), "--out", str(tmp_path / "out"), "--window", "10", "--json"]
    result = CliRunner().invoke(app, arguments)
    assert json.loads(result.stdout)["persons"] == 3


def test_a_table_is_checked_by_the_options_it_is_imported_with(table):
    asked = ["check", str(table), "--person", "who", "--label", "state"]
    done = CliRunner().invoke(app, asked)
    assert (done.exit_code, done.output) == (0, f"{table}: nothing wrong\n")
    with pytest.raises(UserError, match="no column of features is left"):
        CliRunner().invoke(app, [*asked, "--leave-out", "*_mean"], catch_exceptions=False)
