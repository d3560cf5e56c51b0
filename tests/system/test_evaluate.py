"""A trained model evaluated: on its own test part, on another corpus, and where that cannot be."""

import csv
import json
import shutil

import numpy as np
import pytest

SAME = ("weighted_f1", "macro_f1", "accuracy", "uar", "calibration_error")


@pytest.fixture(scope="module")
def elsewhere(finished, layout, tmp_path_factory):
    """A corpus whose classes are called otherwise; of `tired` the model knows nothing."""
    folder = tmp_path_factory.mktemp("elsewhere")
    arrays = layout()
    label = arrays["label"].copy()
    label[-10::4] = 3  # in test
    names = np.array(["rest", "fun", "stress", "tired"])
    np.savez(folder / "other.npz", **layout(label=label, label_names=names))
    finished.ok("data", "import", folder / "other.npz", "--out", folder / "other")
    (folder / "map.toml").write_text('[classes]\ncalm = "rest"\njoy = "fun"\nanger = "stress"\n')
    return folder


@pytest.mark.parametrize("split", ["test", "dev"])
def test_its_own_parts_again(finished, split):
    found = json.loads(finished.ok("evaluate", "runs/one", "--split", split, "--json"))
    summary = json.loads((finished / "runs/one/summary.json").read_text())
    assert (found["evaluation"], found["items"], found["left_out"]) == ("global", 10, {})
    for name in SAME if split == "test" else SAME[:-1]:  # of dev a run keeps no calibration
        assert found["scores"][name] == pytest.approx(summary[f"{split}_{name}"], abs=1e-6)
    ends = [summary.get(f"{split}_interval_{end}") for end in ("low", "high")]
    assert split == "dev" or found["scores"]["interval"] == ends


def test_every_client_has_its_own_model(finished):
    found = json.loads(finished.ok("evaluate", "runs/many", "--json"))
    summary = json.loads((finished / "runs/many/summary.json").read_text())
    assert (found["evaluation"], len(found["models"])) == ("local", 3)
    for name in SAME:
        prefix = "test" if summary["evaluation"] == "local" else "local_test"
        assert found["scores"][name] == pytest.approx(summary[f"{prefix}_{name}"], abs=1e-6)
    message = finished.ok("evaluate", "runs/many")
    assert "means over 3 models" in message
    assert "client-02" in message


def test_another_corpus_and_what_is_left_out_of_it(finished, elsewhere, tmp_path):
    out = tmp_path / "judged"
    asked = ("evaluate", "runs/one", "--data", elsewhere / "other", "--classes")
    asked = (*asked, elsewhere / "map.toml", "--out", out)
    message = " ".join(finished.ok(*asked).split())
    assert "7 items of other (test) in 2 conversations; the shared model" in message
    assert "left out: 3 items, class tired" in message
    own = json.loads(finished.ok("evaluate", "runs/one", "--json"))
    found = json.loads((out / "evaluation.json").read_text())
    assert found["classes"] == ["rest", "fun", "stress"]
    assert np.less_equal(found["confusion"], own["confusion"]).all()  # the same predictions, fewer
    with (out / "answers.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows].count("") == 3
    assert len(rows) == 10
    assert "left out: 3 items, class tired" in (out / "evaluation.html").read_text()
    finished.ok(*asked)  # an earlier evaluation may be written again


def test_one_of_several_seeds(finished):
    assert (
        json.loads(finished.ok("evaluate", "runs/seeds/seed-1", "--json"))["run"] == "seeds/seed-1"
    )


def test_all_parts_at_once(finished):
    assert (
        json.loads(finished.ok("evaluate", "runs/one", "--split", "all", "--json"))["items"] == 60
    )


def test_what_cannot_be_judged(finished, elsewhere, layout, tmp_path, match):
    before = finished.files()
    one = ("evaluate", "runs/one")
    other = (*one, "--data", elsewhere / "other")
    match(
        r"model's classes are calm, joy, anger, the corpus's rest, fun, stress, tired; say .*--cl",
        finished(*other).complaint,
    )
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[classes]\ncalm = "rest"\nfury = "stress"\n')
    match(
        r"wrong.toml: classes: `fury` is no class", finished(*other, "--classes", wrong).complaint
    )
    match(r"no such file", finished(*other, "--classes", tmp_path / "none.toml").complaint)

    lacking = layout()
    del lacking["audio"], lacking["audio_present"]
    cases = {
        "lacking": (lacking, r"lacking: no modality `audio`; it has: text"),
        "narrow": (
            layout(text=layout()["text"][:, :5]),
            r"narrow: modality `text` has features of shape \(5,\), .* trained on \(6,\)",
        ),
        "silent": (
            layout(label=np.where(np.arange(60) < 50, layout()["label"], -1)),
            r"silent: split test: no item labelled calm or joy or anger \(10 since it has no label",
        ),
    }
    for name, (arrays, message) in cases.items():
        np.savez(tmp_path / f"{name}.npz", **arrays)
        finished.ok("data", "import", tmp_path / f"{name}.npz", "--out", tmp_path / name)
        match(message, finished(*one, "--data", tmp_path / name).complaint)

    match(r"--without-copies: .* has no images", finished(*one, "--without-copies").complaint)
    match(r"runs/seeds: holds 2 seeds; give one", finished("evaluate", "runs/seeds").complaint)
    match(r"corpus/model: no trained model here", finished("evaluate", "corpus").complaint)
    match(r"holds something else", finished(*one, "--out", "runs/one").complaint)
    assert finished.files() == before


def test_a_corpus_that_went_away_or_changed(finished, layout, tmp_path, match):
    shutil.copytree(finished / "runs/one", tmp_path / "one")
    config = tmp_path / "one/model/config.json"
    text = config.read_text()
    config.write_text(text.replace('"data": "corpus"', '"data": "gone"'))
    match(
        r"one: trained on `gone`, which is not there; .*--data",
        finished("evaluate", tmp_path / "one").complaint,
    )
    np.savez(tmp_path / "later.npz", **layout(text=layout()["text"] + 1))
    finished.ok("data", "import", tmp_path / "later.npz", "--out", tmp_path / "later")
    config.write_text(text.replace('"data": "corpus"', f'"data": "{tmp_path}/later"'))
    match(
        r"one: trained on another `.*/later` than is there",
        finished("evaluate", tmp_path / "one").complaint,
    )


FACES = """\
name = "faces"
data = "faces"
[model]
name = "face_cnn"
widths = [8]
[rounds]
count = 1
[algorithm]
name = "centralised"
"""


def test_faces_that_the_model_knows(place, tmp_path):
    """Of four test faces one is a copy; of another corpus's four, three are."""
    pixels = np.random.default_rng(0).integers(0, 255, (12, 12, 12)).astype(np.uint8)
    pixels[8] = pixels[1]
    arrays = {
        "pixels": pixels,
        "labels": np.arange(12) % 2,
        "split": np.repeat([0, 1, 2], 4),
        "classes": np.array(["happy", "sad"]),
        "split_names": np.array(["Training", "PublicTest", "PrivateTest"]),
    }
    for name, change in (("faces", {}), ("others", {"pixels": pixels[[0, 1, 4, 8] * 3]})):
        np.savez(place / f"{name}.npz", **{**arrays, **change})
        place.ok("data", "import", f"{name}.npz", "--out", name)
    (place / "faces.toml").write_text(FACES)
    place.ok("run", "faces.toml", "--out", "runs/faces")
    asked = ("evaluate", "runs/faces", "--without-copies", "--json")
    found = json.loads(place.ok(*asked))
    assert (found["items"], found["left_out"]) == (3, {"a copy of it is in train": 1})
    spoilt = ("--set", "conditions.corrupted_pictures=1", "--out", "runs/spoilt")
    place.ok("run", "faces.toml", *spoilt)
    assert json.loads(place.ok("evaluate", "runs/spoilt", *asked[2:]))["items"] == 3
    found = json.loads(place.ok(*asked, "--data", "others"))
    assert (found["items"], found["left_out"]) == (1, {"a copy of it is in train": 3})
