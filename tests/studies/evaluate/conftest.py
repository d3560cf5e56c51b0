"""A saved model that needs no training: its prediction of an item stands in the item's features."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fedaffect.corpus.schema import ConversationCorpus, Provenance
from fedaffect.learning import predictor
from fedaffect.studies.evaluate.class_mapping import ClassFile, ClassMapping, mapped
from fedaffect.studies.evaluate.task import Task, make_task

FACES = ("angry", "fear", "happy", "neutral", "sad")
CLASS_FILE = ClassFile(
    classes={"angry": "stress", "fear": "stress", "happy": "fun", "neutral": "rest"}
)
# angry, fear, happy, neutral, sad | label of the corpus, conversation, split
SAID: list[tuple[tuple[float, ...], str | None, int, str]] = [
    ((0.2, 0.2, 0.3, 0.2, 0.1), "stress", 0, "test"),  # .4 / .9 of stress: right
    ((0.0, 0.0, 0.2, 0.1, 0.7), "rest", 0, "test"),  # sad is left out: fun by 2/3, wrong
    ((0.0, 0.1, 0.1, 0.8, 0.0), "rest", 1, "test"),  # right
    ((0.0, 0.0, 0.9, 0.1, 0.0), "fun", 1, "test"),  # right
    ((0.9, 0.0, 0.1, 0.0, 0.0), "boredom", 2, "test"),  # a class that nobody maps to
    ((0.0, 0.0, 0.1, 0.0, 0.9), None, 2, "test"),  # sad again, but it does not count
    ((0.0, 0.9, 0.1, 0.0, 0.0), "fun", 3, "dev"),  # another part
]
LABELS = ("boredom", "fun", "rest", "stress")


@pytest.fixture
def predicted() -> ConversationCorpus:
    """A corpus that carries the predictions of a model."""
    splits = ("train", "dev", "test")
    zeros = np.zeros(len(SAID), np.int64)
    return ConversationCorpus(
        name="predicted",
        classes=LABELS,
        features={"face": np.array([message for message, *_ in SAID], np.float32)},
        present={"face": np.ones(len(SAID), bool)},
        label=np.array([-1 if label is None else LABELS.index(label) for _, label, *_ in SAID]),
        person=zeros,
        persons=("unknown",),
        split=np.array([splits.index(split) for *_, split in SAID]),
        provenance=Provenance("tests", "0" * 64, "conftest", synthetic=True),
        conversation=np.array([conversation for *_, conversation, _ in SAID]),
        conversations=("a", "b", "c", "d"),
        turn=np.array([0, 1, 0, 1, 0, 1, 0]),
        role=zeros,
    )


@pytest.fixture
def class_mapping(tmp_path: Any) -> ClassMapping:
    return mapped(FACES, LABELS, CLASS_FILE, tmp_path)


@pytest.fixture
def task(predicted: ConversationCorpus, class_mapping: ClassMapping) -> Task:
    return make_task(predicted, "test", class_mapping, None)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Lets every model say what the features say; by call, the conversations that it was given."""
    calls = list[tuple[str, ...]]()

    def predict(folder: Any, part: ConversationCorpus, *rest: Any) -> predictor.Prediction:
        calls.append(part.conversations)
        return predictor.Prediction(
            part, part.features["face"], np.ones((len(part), 1), np.float32)
        )

    monkeypatch.setattr(predictor, "predict", predict)
    return calls


@pytest.fixture
def rest_only() -> Callable[..., predictor.Prediction]:
    """A model that always says the same."""

    def predict(folder: Any, part: ConversationCorpus, *rest: Any) -> predictor.Prediction:
        probability = np.tile(np.float32([0, 0, 0, 1, 0]), (len(part), 1))
        return predictor.Prediction(part, probability, np.ones((len(part), 1), np.float32))

    return predict
