"""Accuracy of each modality and of their fusion when one modality is corrupted as it may be in a car."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from fedaffect.corpus.corruption import CORRUPTIONS, SEVERITIES, corrupt, lost
from fedaffect.randomness import generator
from research.in_vehicle.faces import FaceRun
from research.in_vehicle.fusion import ROWS, Fusion, Score, all_present, select
from research.in_vehicle.pairs import BODY, FACE, STATES, Pairing
from research.wesad.methods import Method
from research.wesad.windows import Windows

PLAIN, AUGMENTED = "plain", "augmented"
SEVEREST_IN_TRAINING = 3


@dataclass(frozen=True)
class CorruptedResult:
    """One row of one seed with one modality corrupted.

    Attributes:
        training: `augmented` where corrupted items were in training, else `plain`.
    """

    training: str
    modality: str
    corruption: str
    severity: int
    row: str
    seed: int
    accuracy: float
    balanced_accuracy: float


def corrupted_results(
    pairing: Pairing, training: str, face: FaceRun, method: Method
) -> Iterator[CorruptedResult]:
    """Every row, calibrated, with one modality corrupted at test and the other left as it is."""
    train, rows = pairing.scaled()
    if training == AUGMENTED:
        train = with_corrupted_rows(train, pairing.seed)
    forest = method(train, len(STATES), pairing.seed)[0]
    pairs, label = pairing.pairs, pairing.label
    dev, test = pairing.part("dev"), pairing.part("test")
    clean = {FACE: pairing.of_faces(face.clean().probability), BODY: forest(rows[pairs.body])}
    fusion = Fusion.fit(select(clean, dev), label[dev])
    for modality, name, severity in conditions():
        probability, present = dict(clean), all_present(len(label))
        item = pairs.face if modality == FACE else pairs.body
        if name == "drop-out":
            present[modality] = ~lost(severity, seed=pairing.seed, item=item)
        elif severity and modality == FACE:
            probability[FACE] = pairing.of_faces(face.corrupted(name, severity))
        elif severity:
            changed = corrupt(rows[item], name, severity, seed=pairing.seed, item=item)
            probability[BODY] = forest(changed)
        for row in ROWS:
            fused = fusion.fuse(select(probability, test), select(present, test), row)
            score = Score.of(fused, label[test])
            key = (training, modality, name, severity, row, pairing.seed)
            yield CorruptedResult(*key, score.accuracy, score.balanced_accuracy)


def conditions() -> Iterator[tuple[str, str, int]]:
    """(modality, corruption, severity); severity 0 changes nothing."""
    for name, corruption in CORRUPTIONS.items():
        for modality in {"image": (FACE,), "signal": (BODY,), "any": (FACE, BODY)}[
            corruption.applies_to
        ]:
            for severity in range(SEVERITIES + 1):
                yield modality, name, severity


def with_corrupted_rows(train: Windows, seed: int) -> Windows:
    """Standardised training windows, of which half are corrupted in one way each, as faces are."""
    ways = [name for name, corruption in CORRUPTIONS.items() if corruption.applies_to == "signal"]
    random, item = generator(seed, "spoilt rows"), np.arange(len(train.rows))
    chosen = random.integers(1, SEVEREST_IN_TRAINING + 1, len(item))
    severity = chosen * (random.random(len(item)) < 0.5)
    way, found = random.integers(0, len(ways), len(item)), train.rows.copy()
    for position, name in enumerate(ways):
        rows = np.flatnonzero(way == position)
        found[rows] = corrupt(train.rows[rows], name, severity[rows], seed=seed, item=rows)
    return replace(train, rows=found)


@dataclass(frozen=True)
class FaceResult:
    """Accuracy on all test faces, in the classes of FER2013."""

    training: str
    corruption: str
    severity: int
    accuracy: float


def seven_classes(training: str, face: FaceRun) -> Iterator[FaceResult]:
    """One result for each corruption of faces and severity."""
    for modality, name, severity in conditions():
        if modality == FACE and name != "drop-out":
            probability = face.corrupted(name, severity) if severity else face.clean().probability
            yield FaceResult(training, name, severity, face.test_accuracy(probability))
