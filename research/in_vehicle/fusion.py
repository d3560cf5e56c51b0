"""Decision fusion of a face and a body signal: what is fitted on dev, the rows of the table, their scores."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fedaffect.inference.calibration import fit_temperature, tempered
from fedaffect.inference.fusion import RULES, Fused, Rule, fuse
from fedaffect.inference.stacking import Stacking
from fedaffect.learning.metrics import BINS, calibration_error
from fedaffect.schema import Flags, Integers
from research.in_vehicle.faces import FaceRun
from research.in_vehicle.pairs import BODY, FACE, STATES, Pairing, Probability
from research.wesad.methods import Method
from research.wesad.windows import Rows

STACKED, FEATURES = "stacked", "feature level"
WEIGHED = "`product`, weighed on dev"
ROWS = (FACE, BODY, *RULES, STACKED)
WEIGHTS = tuple(round(step / 20, 2) for step in range(21))
INVERSE_RIDGES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)

Probabilities = Mapping[str, Probability]
"""By modality [pairs, states]."""
Present = Mapping[str, Flags]
"""By modality [pairs]."""


@dataclass(frozen=True)
class Score:
    """Scores of decisions; an `uncertain` one counts as wrong."""

    accuracy: float
    balanced_accuracy: float
    calibration_error: float

    @classmethod
    def of(cls, fused: Fused, label: Integers) -> "Score":
        right = fused.decision == label
        recall = [right[label == k].mean() for k in np.unique(label)]
        confidence = fused.probability.max(axis=1)
        bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
        reliability = np.zeros((BINS, 3))
        np.add.at(reliability, bins, np.stack([np.ones(len(bins)), confidence, right], axis=1))
        return cls(float(right.mean()), float(np.mean(recall)), calibration_error(reliability))


@dataclass(frozen=True)
class Fusion:
    """What is fitted on dev: temperatures, and `stacked` on calibrated and on uncalibrated probabilities."""

    temperature: Mapping[str, float]
    stacked: Stacking
    plain_stacked: Stacking

    @classmethod
    def fit(cls, probability: Probabilities, label: Integers) -> "Fusion":
        """From the probabilities and labels of dev."""
        temperature = {m: fit_temperature(p, label) for m, p in probability.items()}
        calibrated = {m: tempered(p, temperature[m]) for m, p in probability.items()}
        present = all_present(len(label))
        return cls(
            temperature,
            Stacking.fit(calibrated, present, label),
            Stacking.fit(probability, present, label),
        )

    def fuse(
        self,
        probability: Probabilities,
        present: Present,
        row: str,
        calibrated: bool = True,
        face_weight: float | None = None,
    ) -> Fused:
        """Decisions by a rule, or by one modality alone."""
        if calibrated:
            probability = {m: tempered(p, self.temperature[m]) for m, p in probability.items()}
        if row in probability:
            probability, present = {row: probability[row]}, {row: present[row]}
        rule: Rule = "mean"
        if row == STACKED:
            rule = self.stacked if calibrated else self.plain_stacked
        elif row in RULES:
            rule = row  # type: ignore[assignment]
        weights = None if face_weight is None else {FACE: face_weight, BODY: 1 - face_weight}
        return fuse(probability, present, rule=rule, pairing="label-matched", weights=weights)


@dataclass(frozen=True)
class Result:
    """One row of one approach with one seed."""

    learnt: str
    row: str
    calibrated: bool
    seed: int
    pairs: int
    accuracy: float
    balanced_accuracy: float
    calibration_error: float


@dataclass(frozen=True)
class WeightedResult:
    """A rule whose weight of the face is `weight`, between 0 and 1."""

    learnt: str
    rule: str
    weight: float
    seed: int
    accuracy: float
    balanced_accuracy: float


@dataclass(frozen=True)
class Approach:
    """A face run and a forest, trained in one way, and their outputs for the pairs of one seed.

    Attributes:
        columns: of all pairs, the embedding of the face beside the columns of the body.
    """

    learnt: str
    pairing: Pairing
    probability: Probabilities
    columns: Rows
    fusion: Fusion

    @classmethod
    def of(cls, learnt: str, pairing: Pairing, face: FaceRun, method: Method) -> "Approach":
        train, rows = pairing.scaled()
        forest, clean = method(train, len(STATES), pairing.seed)[0], face.clean()
        body = rows[pairing.pairs.body]
        probability = {FACE: pairing.of_faces(clean.probability), BODY: forest(body)}
        columns = np.concatenate([clean.embedding[pairing.pairs.face], body], axis=1)
        dev = pairing.part("dev")
        fusion = Fusion.fit(select(probability, dev), pairing.label[dev])
        return cls(learnt, pairing, probability, columns, fusion)

    def results(self) -> Iterator[Result]:
        """Every row, with and without calibration."""
        dev, test = self.pairing.part("dev"), self.pairing.part("test")
        label, of_test = self.pairing.label, select(self.probability, test)
        present = all_present(int(test.sum()))

        def result(row: str, calibrated: bool, fused: Fused) -> Result:
            score = Score.of(fused, label[test])
            key = (self.learnt, row, calibrated, self.pairing.seed, len(fused.decision))
            return Result(*key, **vars(score))

        joint = feature_level(self.columns, self.pairing)
        temperature = fit_temperature(joint[dev], label[dev])
        for calibrated in (False, True):
            for row in ROWS:
                yield result(row, calibrated, self.fusion.fuse(of_test, present, row, calibrated))
            probability = tempered(joint[test], temperature) if calibrated else joint[test]
            one, there = {FEATURES: probability}, {FEATURES: present[FACE]}
            yield result(
                FEATURES, calibrated, fuse(one, there, rule="mean", pairing="label-matched")
            )
        weight = best_face_weight(self.fusion, select(self.probability, dev), label[dev])
        yield result(
            WEIGHED, True, self.fusion.fuse(of_test, present, "product", face_weight=weight)
        )

    def weighted_results(self) -> Iterator[WeightedResult]:
        """Two rules with every weight between the body alone and the face alone."""
        test = self.pairing.part("test")
        of_test, present = select(self.probability, test), all_present(int(test.sum()))
        for rule in ("mean", "product"):
            for weight in WEIGHTS:
                fused = self.fusion.fuse(of_test, present, rule, face_weight=weight)
                score = Score.of(fused, self.pairing.label[test])
                scores = (score.accuracy, score.balanced_accuracy)
                yield WeightedResult(self.learnt, rule, weight, self.pairing.seed, *scores)


def best_face_weight(fusion: Fusion, probability: Probabilities, label: Integers) -> float:
    """The weight of the face with which the product decides best on dev; of equals the nearest to half."""
    present = all_present(len(label))
    score = {
        weight: Score.of(fusion.fuse(probability, present, "product", face_weight=weight), label)
        for weight in WEIGHTS
    }
    return max(WEIGHTS, key=lambda weight: (score[weight].balanced_accuracy, -abs(weight - 0.5)))


def feature_level(columns: Rows, pairing: Pairing) -> Probability:
    """Logistic regression on embeddings and columns of the pairs of train; its ridge is chosen on dev.

    A Newton step needs sums over clients and nothing else, so federated it is the same regression.
    """
    from sklearn.linear_model import LogisticRegression

    train, dev, label = pairing.part("train"), pairing.part("dev"), pairing.label
    mean, scale = columns[train].mean(axis=0), columns[train].std(axis=0)
    inputs = (columns - mean) / np.where(scale < 1e-6, 1, scale)
    models = [
        LogisticRegression(C=c, max_iter=2000).fit(inputs[train], label[train])
        for c in INVERSE_RIDGES
    ]
    right = [m.predict_proba(inputs[dev])[np.arange(dev.sum()), label[dev]] for m in models]
    best = int(np.argmax([np.log(p).mean() for p in right]))
    probability: Probability = models[best].predict_proba(inputs)
    return probability


def select(arrays: Mapping[str, npt.NDArray[Any]], rows: Flags) -> dict[str, npt.NDArray[Any]]:
    """The same rows of every array."""
    return {name: array[rows] for name, array in arrays.items()}


def all_present(pairs: int) -> dict[str, Flags]:
    """No modality of any pair is missing."""
    return {m: np.ones(pairs, bool) for m in (FACE, BODY)}
