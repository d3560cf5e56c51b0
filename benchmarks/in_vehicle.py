"""Faces and body signals fused at decision level, centralised and federated, whole and spoilt.

    python benchmarks/in_vehicle.py --centralised RUN --federated RUN [--augmented RUN] [--seeds 10]

RUN is the folder of a finished face run on FER2013 (`fedaffect run in-vehicle-faces --data data/fer2013`);
body signals are WESAD's wrist windows from ../shared/data or $FEDAFFECT_DATA. Faces and windows are paired by
label, anew with each seed, which also decides whose windows are for training, dev and test. What the runs
say of faces is kept below --cache, so that an interrupted benchmark goes on where it was. Writes
in-vehicle.md, four tables (CSV) and four pictures.
"""

import argparse
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import in_vehicle_page
import numpy as np
import numpy.typing as npt
from in_vehicle_faces import FaceRun, faces_of
from wesad_methods import Method, bagging, pooled, private
from wesad_windows import Rows, Windows, read

from fedaffect.corpus.classes import ClassMap
from fedaffect.corpus.corruption import CORRUPTIONS, SEVERITIES, corrupt, lost
from fedaffect.corpus.pairing import (
    FER2013_TO_WESAD,
    Pairs,
    pair_by_label,
    split_by_person,
)
from fedaffect.corpus.schema import Corpus, Flags, Integers, Provenance
from fedaffect.inference.calibration import fit_temperature, tempered
from fedaffect.inference.fusion import RULES, Fused, Rule, fuse
from fedaffect.inference.stacking import Stacking
from fedaffect.learning.metrics import BINS, calibration_error
from fedaffect.randomness import generator

BESIDE = Path(__file__).parents[2] / "shared" / "data"
STATES = ("amusement", "baseline", "stress")
FACE, BODY = "face", "body"
STACKED = "stacked"
FEATURES = "feature level"
WEIGHED = "`product`, weighed on dev"
WEIGHTS = tuple(round(step / 20, 2) for step in range(21))
STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
SEVEREST_LESSON = 3

Probability = npt.NDArray[np.floating]
Said = dict[str, Probability]
"""By modality [pairs, states]."""


@dataclass(frozen=True)
class Score:
    """Of decisions; one that is `uncertain` counts as wrong."""

    accuracy: float
    balanced_accuracy: float
    calibration_error: float

    @classmethod
    def of(cls, found: Fused, label: Integers) -> "Score":
        right = found.decision == label
        recall = [right[label == k].mean() for k in np.unique(label)]
        sure = found.probability.max(axis=1)
        bins = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
        reliability = np.zeros((BINS, 3))
        np.add.at(reliability, bins, np.stack([np.ones(len(bins)), sure, right], axis=1))
        return cls(float(right.mean()), float(np.mean(recall)), calibration_error(reliability))


@dataclass(frozen=True)
class Result:
    """One row of one side with one seed."""

    learnt: str
    row: str
    calibrated: bool
    seed: int
    pairs: int
    accuracy: float
    balanced_accuracy: float
    calibration_error: float


@dataclass(frozen=True)
class Weighed:
    """A rule with so much of the weight on faces."""

    learnt: str
    rule: str
    weight: float
    seed: int
    accuracy: float
    balanced_accuracy: float


@dataclass(frozen=True)
class Spoilt:
    """What is left at a severity; `training`: whether the models had seen spoilt items."""

    training: str
    modality: str
    corruption: str
    severity: int
    row: str
    seed: int
    accuracy: float
    balanced_accuracy: float


@dataclass(frozen=True)
class Pairing:
    """What one seed decides.

    Attributes:
        bodies: all windows, split by person.
        split: int64 [pairs].
        names: from the classes of faces to the states.
    """

    seed: int
    windows: Windows
    bodies: Corpus
    pairs: Pairs
    split: Integers
    names: ClassMap

    @classmethod
    def of(cls, faces: Corpus, windows: Windows, seed: int) -> "Pairing":
        bodies = split_by_person(_as_corpus(windows), seed=seed)
        pairs = pair_by_label(faces, bodies, FER2013_TO_WESAD, seed)
        assert pairs.classes == STATES
        names = ClassMap.of(faces.classes, STATES, FER2013_TO_WESAD)
        return cls(seed, windows, bodies, pairs, bodies.split[pairs.body], names)

    @property
    def dev(self) -> Flags:
        return self.split == 1

    @property
    def test(self) -> Flags:
        return self.split == 2

    def scaled(self) -> tuple[Windows, Rows]:
        """The windows to learn from, and the columns of all, in deviations of the former."""
        train, all_of_them = self.windows.only(self.bodies.items_in("train")).scaled_for(
            self.windows
        )
        return train, all_of_them.rows

    def of_faces(self, probability: Probability) -> Probability:
        """[pairs, states] of [faces, classes]."""
        return self.names.probabilities(probability[self.pairs.face])


@dataclass(frozen=True)
class Fusion:
    """Everything that dev decides: temperatures, and the rule that is learnt."""

    temperature: Mapping[str, float]
    stacked: Stacking
    plain_stacked: Stacking

    @classmethod
    def fit(cls, said: Said, label: Integers) -> "Fusion":
        """From what is said of dev."""
        there = {m: np.ones(len(label), bool) for m in said}
        temperature = {m: fit_temperature(p, label) for m, p in said.items()}
        calibrated = {m: tempered(p, temperature[m]) for m, p in said.items()}
        stacked = Stacking.fit(calibrated, there, label)
        return cls(temperature, stacked, Stacking.fit(said, there, label))

    def answer(
        self,
        said: Said,
        present: Mapping[str, Flags],
        row: str,
        calibrated: bool = True,
        weights: Mapping[str, float] | None = None,
    ) -> Fused:
        """By a rule, or by one modality alone."""
        if calibrated:
            said = {m: tempered(p, self.temperature[m]) for m, p in said.items()}
        if row in said:
            said, present = {row: said[row]}, {row: present[row]}
        rule: Rule = "mean"
        if row == STACKED:
            rule = self.stacked if calibrated else self.plain_stacked
        elif row in RULES:
            rule = row  # type: ignore[assignment]
        return fuse(said, present, rule=rule, pairing="label-matched", weights=weights)


ROWS = (FACE, BODY, *RULES, STACKED)


def fused(
    pairing: Pairing, learnt: str, face: FaceRun, method: Method
) -> Iterator[Result | Weighed]:
    """Every row with and without calibration, and two rules with every weight."""
    train, rows = pairing.scaled()
    body = method(train, len(STATES), pairing.seed)[0](rows)[pairing.pairs.body]
    clean = face.clean()
    said = {FACE: pairing.of_faces(clean.probability), BODY: body}
    label, dev, test = pairing.pairs.label, pairing.dev, pairing.test
    fusion = Fusion.fit(_only(said, dev), label[dev])
    asked, there = _only(said, test), _all_there(test)
    for calibrated in (False, True):
        for row in ROWS:
            found = fusion.answer(asked, there, row, calibrated)
            score = vars(Score.of(found, label[test]))
            yield Result(learnt, row, calibrated, pairing.seed, int(test.sum()), **score)
    columns = np.concatenate(
        [clean.embedding[pairing.pairs.face], rows[pairing.pairs.body]], axis=1
    )
    joint = {FEATURES: feature_level(columns, pairing)}
    temperature = fit_temperature(joint[FEATURES][dev], label[dev])
    for calibrated in (False, True):
        said_so = tempered(joint[FEATURES], temperature) if calibrated else joint[FEATURES]
        found = fuse(
            {FEATURES: said_so[test]},
            {FEATURES: there[FACE]},
            rule="mean",
            pairing="label-matched",
        )
        score = vars(Score.of(found, label[test]))
        yield Result(learnt, FEATURES, calibrated, pairing.seed, int(test.sum()), **score)
    best = weighed_on_dev(fusion, _only(said, dev), label[dev])
    found = fusion.answer(asked, there, "product", weights={FACE: best, BODY: 1 - best})
    yield Result(
        learnt, WEIGHED, True, pairing.seed, int(test.sum()), **vars(Score.of(found, label[test]))
    )
    for rule in ("mean", "product"):
        for weight in WEIGHTS:
            weights = {FACE: weight, BODY: 1 - weight}
            score = Score.of(fusion.answer(asked, there, rule, weights=weights), label[test])
            scores = (score.accuracy, score.balanced_accuracy)
            yield Weighed(learnt, rule, weight, pairing.seed, *scores)


def weighed_on_dev(fusion: Fusion, said: Said, label: Integers) -> float:
    """The weight of the face with which the product decides best on dev; of equals the nearest to half."""
    there = {m: np.ones(len(label), bool) for m in said}
    score = {
        weight: Score.of(
            fusion.answer(said, there, "product", weights={FACE: weight, BODY: 1 - weight}), label
        ).balanced_accuracy
        for weight in WEIGHTS
    }
    return max(WEIGHTS, key=lambda weight: (score[weight], -abs(weight - 0.5)))


def feature_level(columns: Rows, pairing: Pairing) -> Probability:
    """Logistic regression on embeddings and columns of the pairs of train; its ridge is chosen on dev.

    A Newton step needs sums over clients and nothing else, so federated it is the same regression.
    """
    from sklearn.linear_model import LogisticRegression

    train, dev, label = pairing.split == 0, pairing.dev, pairing.pairs.label
    mean, scale = columns[train].mean(axis=0), columns[train].std(axis=0)
    inputs = (columns - mean) / np.where(scale < 1e-6, 1, scale)
    tried = [
        LogisticRegression(C=strength, max_iter=2000).fit(inputs[train], label[train])
        for strength in STRENGTHS
    ]
    loss = [
        -np.log(m.predict_proba(inputs[dev])[np.arange(dev.sum()), label[dev]]).mean()
        for m in tried
    ]
    found: Probability = tried[int(np.argmin(loss))].predict_proba(inputs)
    return found


def spoilt(pairing: Pairing, training: str, face: FaceRun, method: Method) -> Iterator[Spoilt]:
    """Every row, calibrated, with one modality spoilt at test and the other as it is."""
    train, rows = pairing.scaled()
    if training == "augmented":
        train = with_spoilt_rows(train, pairing.seed)
    body_model = method(train, len(STATES), pairing.seed)[0]
    pairs, label, dev, test = pairing.pairs, pairing.pairs.label, pairing.dev, pairing.test
    said = {
        FACE: pairing.of_faces(face.clean().probability),
        BODY: body_model(rows)[pairs.body],
    }
    fusion = Fusion.fit(_only(said, dev), label[dev])
    for name, corruption in CORRUPTIONS.items():
        modalities = {"image": (FACE,), "signal": (BODY,), "any": (FACE, BODY)}[corruption.of]
        for modality in modalities:
            for severity in range(SEVERITIES + 1):
                there, changed = _all_there(np.ones(len(label), bool)), dict(said)
                item = pairs.face if modality == FACE else pairs.body
                if name == "drop-out":
                    gone = lost(severity, seed=pairing.seed, item=item)
                    there[modality] = ~gone
                elif severity and modality == FACE:
                    changed[FACE] = pairing.of_faces(face.spoilt(name, severity))
                elif severity:
                    own = corrupt(rows[item], name, severity, seed=pairing.seed, item=item)
                    changed[BODY] = body_model(own)
                for row in ROWS:
                    found = fusion.answer(_only(changed, test), _only(there, test), row)
                    score = Score.of(found, label[test])
                    yield Spoilt(
                        training, modality, name, severity, row, pairing.seed,
                        score.accuracy, score.balanced_accuracy,
                    )  # fmt: skip


def with_spoilt_rows(train: Windows, seed: int) -> Windows:
    """Windows to learn from, in deviations: half as they are, half spoilt in one way each, as faces are."""
    ways = [name for name, corruption in CORRUPTIONS.items() if corruption.of == "signal"]
    random, item = generator(seed, "spoilt rows"), np.arange(len(train.rows))
    severity = random.integers(1, SEVEREST_LESSON + 1, len(item)) * (random.random(len(item)) < 0.5)
    way, found = random.integers(0, len(ways), len(item)), train.rows.copy()
    for position, name in enumerate(ways):
        rows = np.flatnonzero(way == position)
        found[rows] = corrupt(train.rows[rows], name, severity[rows], seed=seed, item=rows)
    return replace(train, rows=found)


def seven_classes(training: str, face: FaceRun) -> Iterator[tuple[str, str, int, float]]:
    """(training, corruption, severity, accuracy) on all test faces, in the classes of FER2013."""
    for name, corruption in CORRUPTIONS.items():
        if corruption.of == "image":
            yield training, name, 0, face.test_accuracy(face.clean().probability)
            for severity in range(1, SEVERITIES + 1):
                yield training, name, severity, face.test_accuracy(face.spoilt(name, severity))


def _as_corpus(windows: Windows) -> Corpus:
    zeros = np.zeros(len(windows.label), np.int64)
    persons = tuple(f"S{person}" for person in windows.people)
    return Corpus(
        name="WESAD, wrist",
        classes=STATES,
        features={BODY: windows.rows},
        present={BODY: np.ones(len(zeros), bool)},
        label=windows.label,
        person=np.searchsorted(windows.people, windows.subject),
        persons=persons,
        split=zeros,
        provenance=Provenance("WESAD", "0" * 64, "windows of 30 s"),
    )


def _only(arrays: Mapping[str, npt.NDArray[np.generic]], rows: Flags) -> dict[str, npt.NDArray]:
    return {name: array[rows] for name, array in arrays.items()}


def _all_there(rows: Flags) -> dict[str, Flags]:
    return {m: np.ones(int(rows.sum()), bool) for m in (FACE, BODY)}


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--centralised", type=Path, required=True, help="a finished face run")
    options.add_argument("--federated", type=Path, required=True, help="a finished face run")
    options.add_argument("--augmented", type=Path, help="like --federated, trained on spoilt faces")
    options.add_argument("--data", default="data/fer2013", help="the corpus of faces")
    options.add_argument("--cache", type=Path, default=Path("runs/in-vehicle"))
    options.add_argument("--seeds", type=int, default=10)
    options.add_argument("--out", type=Path, default=Path("docs/results"))
    chosen = options.parse_args()
    path = Path(os.environ.get("FEDAFFECT_DATA", BESIDE)) / "wesad_wrist_30s.csv.gz"
    if not path.is_file():
        raise SystemExit(f"{path}: not there; set FEDAFFECT_DATA to the folder that holds it")
    faces, windows = faces_of(chosen.data), read(path)
    runs = {
        name: FaceRun(name, folder, faces, chosen.cache)
        for name, folder in vars(chosen).items()
        if name in ("centralised", "federated", "augmented") and folder
    }
    sides: dict[str, tuple[FaceRun, Method]] = {
        "centralised": (runs["centralised"], pooled),
        "federated, `private` forest": (runs["federated"], private),
        "federated, `bagging` forest": (runs["federated"], bagging),
    }
    trained = {"plain": runs["federated"]} | (
        {"augmented": runs["augmented"]} if "augmented" in runs else {}
    )
    found: list[Result | Weighed | Spoilt] = []
    for seed in range(chosen.seeds):
        print(f"seed {seed}", flush=True)
        pairing = Pairing.of(faces, windows, seed)
        for learnt, (face, method) in sides.items():
            found += fused(pairing, learnt, face, method)
        for training, face in trained.items():
            found += spoilt(pairing, training, face, private)
    alone = [row for training, face in trained.items() for row in seven_classes(training, face)]
    in_vehicle_page.write(chosen.out, found, alone, {n: r.about for n, r in runs.items()})


if __name__ == "__main__":
    main()
