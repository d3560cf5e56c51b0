"""The study of fusion: pairs, scores, corrupted modalities and cached outputs, on made faces and windows."""

from dataclasses import replace

import numpy as np
import pytest

from fedaffect.corpus import store
from fedaffect.corpus.formats.faces import FER2013
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.inference.fusion import fuse
from fedaffect.learning import saved
from fedaffect.learning.torch.trainer import ConversationTrainer
from research.in_vehicle import corrupted, fusion, page
from research.in_vehicle.faces import FaceOutputs, FaceRun, load_faces
from research.in_vehicle.pairs import Pairing
from research.wesad.methods import pooled
from research.wesad.windows import Windows


@pytest.fixture(scope="module")
def faces(make_faces):
    """Half train, a quarter each of dev and test, all classes in each."""
    made = make_faces(items=560, classes=7)
    return replace(made, classes=FER2013, label=np.arange(560) // 4 % 7)


@pytest.fixture(scope="module")
def windows():
    """Six people with ten windows of each state, which the columns tell."""
    random, subject = np.random.default_rng(0), np.repeat(np.arange(6), 30)
    label = np.tile(np.repeat(np.arange(3), 10), 6)
    rows = np.eye(3, 5)[label] * 2 + random.normal(size=(180, 5))
    return Windows(rows.astype(np.float32), label, subject, {})


class Oracle:
    """A face run with probability .4 for the right class and .1 for others; uniform for corrupted faces."""

    name = "oracle"

    def __init__(self, faces):
        self.label = faces.label
        self.right = np.full((len(faces), 7), 0.1)
        self.right[np.arange(len(faces)), faces.label] = 0.4

    def clean(self):
        return FaceOutputs(self.right, self.right.astype(np.float32))

    def corrupted(self, corruption, severity):
        return np.full_like(self.right, 1 / 7)

    def test_accuracy(self, probability):
        return float((probability.argmax(axis=1) == self.label).mean())


def test_scores_by_hand():
    """Of two of state 0 one is right, of one of state 1 none is (it is uncertain): 1/3 and 1/4."""
    probability = {"face": np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]])}
    present = {"face": np.array([True, True, False])}
    found = fuse(probability, present, rule="mean", pairing="label-matched")
    score = fusion.Score.of(found, np.array([0, 0, 1]))
    assert (score.accuracy, score.balanced_accuracy) == (pytest.approx(1 / 3), 0.25)
    # One bin an answer: |1 - .9|, |0 - .8|, |0 - .5|
    assert score.calibration_error == pytest.approx((0.1 + 0.8 + 0.5) / 3)


def test_nobody_and_nothing_is_in_two_parts(faces, windows):
    pairing = Pairing.of(faces, windows, 3)
    person = pairing.bodies.person[pairing.pairs.body]
    parts = [set(person[pairing.split == k].tolist()) for k in range(3)]
    assert [len(part) for part in parts] == [4, 1, 1]
    assert len(set.union(*parts)) == 6
    assert len(np.unique(pairing.pairs.face)) == len(pairing.pairs.face)
    np.testing.assert_array_equal(faces.split[pairing.pairs.face], pairing.split)
    train, rows = pairing.scaled()
    assert set(train.subject.tolist()) == parts[0]
    np.testing.assert_allclose(train.rows.mean(axis=0), 0, atol=1e-5)
    assert rows.shape == windows.rows.shape


def test_every_row_of_an_approach(faces, windows):
    pairing = Pairing.of(faces, windows, 0)
    approach = fusion.Approach.of("here", pairing, Oracle(faces), pooled)
    results = list(approach.results())
    assert {(r.row, r.calibrated) for r in results} == {
        (row, c) for row in (*fusion.ROWS, fusion.FEATURES) for c in (False, True)
    } | {(fusion.WEIGHED, True)}
    score = {(r.row, r.calibrated): r for r in results}
    assert score["face", True].accuracy == 1
    assert 0.4 < score["body", True].accuracy < 1
    assert score["face", True].calibration_error < score["face", False].calibration_error
    assert score["stacked", True].accuracy > score["body", True].accuracy
    weighted = {(w.rule, w.weight): w for w in approach.weighted_results()}
    for rule in ("mean", "product"):
        assert weighted[rule, 0].accuracy == score["body", True].accuracy
        assert weighted[rule, 1].accuracy == score["face", True].accuracy
        assert weighted[rule, 0.5].accuracy == score[rule, True].accuracy


def test_dev_chooses_the_weight():
    """One is always right, the other always wrong with the same confidence: the least weight that wins."""
    label = np.array([0, 1, 2, 0, 1, 2])
    face, body = (0.4 * np.eye(3)[label + k] + 0.2 for k in (0, [1, 1, -2, 1, 1, -2]))
    fitted = fusion.Fusion({"face": 1.0, "body": 1.0}, None, None)
    assert fusion.best_face_weight(fitted, {"face": face, "body": body}, label) == 0.55
    assert fusion.best_face_weight(fitted, {"face": body, "body": face}, label) == 0.45


def test_corruption_lowers_the_scores_of_its_modality(faces, windows):
    pairing = Pairing.of(faces, windows, 0)
    found = list(corrupted.corrupted_results(pairing, "plain", Oracle(faces), pooled))
    score = {(s.modality, s.corruption, s.severity, s.row): s.accuracy for s in found}
    assert score["face", "dark", 0, "face"] == 1
    assert score["face", "dark", 5, "face"] < 0.5
    assert score["face", "dark", 5, "body"] == score["face", "dark", 0, "body"]
    assert score["body", "movement", 5, "body"] < score["body", "movement", 0, "body"]
    # A lost item is wrong where its modality stands alone; fused, the other modality decides.
    gone = {s: score["face", "drop-out", s, "face"] for s in (0, 1, 5)}
    assert gone[0] == 1 > gone[1] > gone[5]
    assert score["face", "drop-out", 5, "mean"] > gone[5]
    kinds = {"face": 7 + 1, "body": 3 + 1}
    for modality, count in kinds.items():
        assert len({s.corruption for s in found if s.modality == modality}) == count


def test_half_of_the_rows_are_corrupted(windows):
    found = corrupted.with_corrupted_rows(windows, 0)
    changed = (found.rows != windows.rows).any(axis=1)
    assert 0.3 < changed.mean() < 0.6  # a movement may leave a row of five columns alone
    np.testing.assert_array_equal(found.label, windows.label)
    np.testing.assert_array_equal(corrupted.with_corrupted_rows(windows, 0).rows, found.rows)


def test_the_page_and_its_files(faces, windows, tmp_path):
    results, weighted, damaged, oracle = [], [], [], Oracle(faces)
    trainings = ("plain", "augmented")
    for seed in (0, 1):
        pairing = Pairing.of(faces, windows, seed)
        approach = fusion.Approach.of("centralised", pairing, oracle, pooled)
        results += approach.results()
        weighted += approach.weighted_results()
        for training in trainings:
            damaged += corrupted.corrupted_results(pairing, training, oracle, pooled)
    of_faces = [one for t in trainings for one in corrupted.seven_classes(t, oracle)]
    about = {"centralised": "c", "federated": "f", "augmented": "a"}
    page.write(tmp_path, results, weighted, damaged, of_faces, about)
    names = ("", "-weights", "-spoilt", "-faces")
    pictures = ("-weights", "-spoilt-face", "-spoilt-body", "-faces")
    written = {f"in-vehicle{n}.csv" for n in names} | {"in-vehicle.md"}
    written |= {f"in-vehicle{n}.{suffix}" for n in pictures for suffix in ("svg", "png")}
    assert {path.name for path in tmp_path.iterdir()} == written
    text = (tmp_path / "in-vehicle.md").read_text()
    assert text.count("label-matched") >= 2
    assert "| Gül et al. 2025, as printed | 77 | 74 | 87 |" in text
    assert "| face alone | 1.000 ± 0.000 |" in text
    assert "measure --centralised RUN --federated RUN --augmented RUN --seeds 2" in text
    assert "- *augmented*: a" in text


@pytest.fixture
def run(make_faces, tmp_path):
    """A saved model that nobody trained, and its corpus, of which one test face is in train too."""
    corpus = make_faces()
    images = corpus.features["face"].copy()
    images[3] = images[0]
    corpus = replace(corpus, features={"face": images})
    store.save(corpus, tmp_path / "faces")
    experiment = Experiment().with_settings(["model.name=face_cnn", "model.widths=[8]"])
    learner = ConversationTrainer(corpus, experiment)
    save(tmp_path / "run", experiment, corpus, learner.get())
    return tmp_path, experiment, corpus, learner


def save(folder, experiment, corpus, *tensors):
    members = [("model" if n == 0 else f"client-{n}", t) for n, t in enumerate(tensors)]
    saved.save(folder / "model", experiment, corpus, members, "# A card\n")


def test_outputs_are_cached_for_the_model_that_made_them(run, capsys):
    folder, experiment, corpus, learner = run
    faces = load_faces(str(folder / "faces"))
    assert np.flatnonzero(faces.label == -1).tolist() == [3]

    def face_run():
        return FaceRun("mine", folder / "run", faces, folder / "cache")

    assert face_run().description.startswith(
        "`fedavg`, 20 clients, iid, seed 0, 20 rounds of 1 epoch: accuracy 0."
    )
    assert capsys.readouterr().out == "mine: clean\n"
    first = face_run().clean()
    expected = learner.predict(np.arange(12))
    np.testing.assert_allclose(first.probability, expected.probability, atol=1e-6)
    np.testing.assert_allclose(first.embedding, expected.embedding, atol=1e-5)
    dark = face_run().corrupted("dark", 5)
    assert np.isnan(dark).all(axis=1).tolist() == [split != 2 for split in corpus.split]
    assert (dark[3] != first.probability[3]).any()
    assert capsys.readouterr().out == "mine: dark-5\n"
    face_run().clean(), face_run().corrupted("dark", 5)
    assert capsys.readouterr().out == ""
    other = {name: array + 1 for name, array in learner.get().items()}
    save(folder / "run", experiment, corpus, other)
    assert (face_run().clean().probability != first.probability).any()
    assert capsys.readouterr().out == "mine: clean\n"


def test_a_run_needs_one_model_for_all(run):
    folder, experiment, corpus, learner = run
    save(folder / "many", experiment, corpus, learner.get(), learner.get())
    with pytest.raises(
        UserError, match="many: 2 models, one a client; give a run with one for all"
    ):
        FaceRun("mine", folder / "many", corpus, folder)
