"""What the hard conditions of a car leave of each modality and of their fusion."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from in_vehicle_faces import FaceRun
from in_vehicle_fusing import ROWS, Fusion, Score, everywhere, only
from in_vehicle_pairs import BODY, FACE, STATES, Pairing
from wesad_methods import Method
from wesad_windows import Windows

from fedaffect.corpus.corruption import CORRUPTIONS, SEVERITIES, corrupt, lost
from fedaffect.randomness import generator

PLAIN, AUGMENTED = "plain", "augmented"
SEVEREST_LESSON = 3


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


def spoilt(pairing: Pairing, training: str, face: FaceRun, method: Method) -> Iterator[Spoilt]:
    """Every row, calibrated, with one modality spoilt at test and the other as it is."""
    train, rows = pairing.scaled()
    if training == AUGMENTED:
        train = with_spoilt_rows(train, pairing.seed)
    forest = method(train, len(STATES), pairing.seed)[0]
    pairs, label = pairing.pairs, pairing.label
    dev, test = pairing.part("dev"), pairing.part("test")
    said = {FACE: pairing.of_faces(face.clean().probability), BODY: forest(rows[pairs.body])}
    fusion = Fusion.fit(only(said, dev), label[dev])
    for modality, name, severity in conditions():
        changed, there = dict(said), everywhere(len(label))
        item = pairs.face if modality == FACE else pairs.body
        if name == "drop-out":
            there[modality] = ~lost(severity, seed=pairing.seed, item=item)
        elif severity and modality == FACE:
            changed[FACE] = pairing.of_faces(face.spoilt(name, severity))
        elif severity:
            own = corrupt(rows[item], name, severity, seed=pairing.seed, item=item)
            changed[BODY] = forest(own)
        for row in ROWS:
            score = Score.of(
                fusion.answer(only(changed, test), only(there, test), row), label[test]
            )
            about = (training, modality, name, severity, row, pairing.seed)
            yield Spoilt(*about, score.accuracy, score.balanced_accuracy)


def conditions() -> Iterator[tuple[str, str, int]]:
    """(modality, corruption, severity), from 0 on."""
    for name, corruption in CORRUPTIONS.items():
        for modality in {"image": (FACE,), "signal": (BODY,), "any": (FACE, BODY)}[corruption.of]:
            for severity in range(SEVERITIES + 1):
                yield modality, name, severity


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


@dataclass(frozen=True)
class Alone:
    """Accuracy on all test faces, in the classes of FER2013."""

    training: str
    corruption: str
    severity: int
    accuracy: float


def seven_classes(training: str, face: FaceRun) -> Iterator[Alone]:
    """Of every way to spoil a face."""
    for modality, name, severity in conditions():
        if modality == FACE and name != "drop-out":
            said = face.spoilt(name, severity) if severity else face.clean().probability
            yield Alone(training, name, severity, face.test_accuracy(said))
