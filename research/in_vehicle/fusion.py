"""One answer from a face and a body: what dev decides, every row of a table, and what it scores."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from in_vehicle_faces import FaceRun
from in_vehicle_pairs import BODY, FACE, STATES, Pairing, Probability
from wesad_methods import Method
from wesad_windows import Rows

from fedaffect.corpus.schema import Flags, Integers
from fedaffect.inference.calibration import fit_temperature, tempered
from fedaffect.inference.fusion import RULES, Fused, Rule, fuse
from fedaffect.inference.stacking import Stacking
from fedaffect.learning.metrics import BINS, calibration_error

STACKED, FEATURES = "stacked", "feature level"
WEIGHED = "`product`, weighed on dev"
ROWS = (FACE, BODY, *RULES, STACKED)
WEIGHTS = tuple(round(step / 20, 2) for step in range(21))
STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)

Said = Mapping[str, Probability]
"""By modality [pairs, states]."""
There = Mapping[str, Flags]


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
class Fusion:
    """All that dev decides: temperatures, and the rule that is learnt, of calibrated and of plain answers."""

    temperature: Mapping[str, float]
    stacked: Stacking
    plain_stacked: Stacking

    @classmethod
    def fit(cls, said: Said, label: Integers) -> "Fusion":
        """From what is said of dev."""
        temperature = {m: fit_temperature(p, label) for m, p in said.items()}
        calibrated = {m: tempered(p, temperature[m]) for m, p in said.items()}
        there = everywhere(len(label))
        return cls(
            temperature,
            Stacking.fit(calibrated, there, label),
            Stacking.fit(said, there, label),
        )

    def answer(
        self,
        said: Said,
        present: There,
        row: str,
        calibrated: bool = True,
        face_weight: float | None = None,
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
        weights = None if face_weight is None else {FACE: face_weight, BODY: 1 - face_weight}
        return fuse(said, present, rule=rule, pairing="label-matched", weights=weights)


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
class Side:
    """A face run and a forest, and what they say of the pairs of one seed.

    Attributes:
        columns: of all pairs, the embedding of the face beside the columns of the body.
    """

    learnt: str
    pairing: Pairing
    said: Said
    columns: Rows
    fusion: Fusion

    @classmethod
    def of(cls, learnt: str, pairing: Pairing, face: FaceRun, method: Method) -> "Side":
        train, rows = pairing.scaled()
        forest, clean = method(train, len(STATES), pairing.seed)[0], face.clean()
        own = rows[pairing.pairs.body]
        said = {FACE: pairing.of_faces(clean.probability), BODY: forest(own)}
        columns = np.concatenate([clean.embedding[pairing.pairs.face], own], axis=1)
        dev = pairing.part("dev")
        return cls(learnt, pairing, said, columns, Fusion.fit(only(said, dev), pairing.label[dev]))

    def results(self) -> Iterator[Result]:
        """Every row, with and without calibration."""
        dev, test = self.pairing.part("dev"), self.pairing.part("test")
        label, asked = self.pairing.label, only(self.said, test)
        there = everywhere(int(test.sum()))

        def result(row: str, calibrated: bool, found: Fused) -> Result:
            score = Score.of(found, label[test])
            about = (self.learnt, row, calibrated, self.pairing.seed, len(found.decision))
            return Result(*about, **vars(score))

        joint = feature_level(self.columns, self.pairing)
        temperature = fit_temperature(joint[dev], label[dev])
        for calibrated in (False, True):
            for row in ROWS:
                yield result(row, calibrated, self.fusion.answer(asked, there, row, calibrated))
            said = tempered(joint[test], temperature) if calibrated else joint[test]
            present = {FEATURES: there[FACE]}
            found = fuse({FEATURES: said}, present, rule="mean", pairing="label-matched")
            yield result(FEATURES, calibrated, found)
        weight = weighed_on_dev(self.fusion, only(self.said, dev), label[dev])
        answer = self.fusion.answer(asked, there, "product", face_weight=weight)
        yield result(WEIGHED, True, answer)

    def weighed(self) -> Iterator[Weighed]:
        """Two rules with every weight between the body alone and the face alone."""
        test = self.pairing.part("test")
        asked, there = only(self.said, test), everywhere(int(test.sum()))
        for rule in ("mean", "product"):
            for weight in WEIGHTS:
                answer = self.fusion.answer(asked, there, rule, face_weight=weight)
                score = Score.of(answer, self.pairing.label[test])
                scores = (score.accuracy, score.balanced_accuracy)
                yield Weighed(self.learnt, rule, weight, self.pairing.seed, *scores)


def weighed_on_dev(fusion: Fusion, said: Said, label: Integers) -> float:
    """The weight of the face with which the product decides best on dev; of equals the nearest to half."""
    there = everywhere(len(label))
    score = {
        weight: Score.of(fusion.answer(said, there, "product", face_weight=weight), label)
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
    tried = [
        LogisticRegression(C=strength, max_iter=2000).fit(inputs[train], label[train])
        for strength in STRENGTHS
    ]
    of_dev = [model.predict_proba(inputs[dev])[np.arange(dev.sum()), label[dev]] for model in tried]
    best = int(np.argmax([np.log(p).mean() for p in of_dev]))
    found: Probability = tried[best].predict_proba(inputs)
    return found


def only(arrays: Mapping[str, npt.NDArray[Any]], rows: Flags) -> dict[str, npt.NDArray[Any]]:
    return {name: array[rows] for name, array in arrays.items()}


def everywhere(pairs: int) -> dict[str, Flags]:
    """Nothing is missing."""
    return {m: np.ones(pairs, bool) for m in (FACE, BODY)}
